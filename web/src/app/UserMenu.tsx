import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button as AriaButton } from "react-aria-components";
import { session, useMe } from "../identity/session";
import { Avatar } from "../kit/Bits";
import { Menu } from "../kit/Menu";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import styles from "./Layout.module.css";
import { chooseTheme } from "./theme";

/** Fetched, and open at once, when somebody presses its button (`UserButton`). */
export function UserMenu() {
  const { t } = useTranslation("app");
  const navigate = useNavigate();
  const me = useMe();
  if (me === null) return null;
  const dark = document.documentElement.dataset.theme === "dark";
  const signOut = () => {
    session.signOut().catch((error: unknown) => notify({ kind: "error", text: problemText(error) }));
  };
  return (
    <Menu
      startsOpen
      label={t("user.menu")}
      actions={[
        { id: "settings", label: t("go.settings"), icon: "settings", run: () => void navigate("/settings") },
        {
          id: "theme",
          label: dark ? t("user.light") : t("user.dark"),
          icon: dark ? "sun" : "moon",
          run: () => {
            chooseTheme(dark ? "light" : "dark");
          },
        },
        { id: "sign-out", label: t("go.signOut"), icon: "leave", run: signOut },
      ]}
    >
      <AriaButton className={styles.user ?? ""} aria-label={t("user.of", { name: me.name })}>
        <Avatar id={me.user_id} name={me.name} />
      </AriaButton>
    </Menu>
  );
}
