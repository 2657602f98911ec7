import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, NavLink, Outlet, ScrollRestoration, useLocation, useNavigate, useOutletContext } from "react-router";
import { session, useMe, useSession } from "../identity/session";
import { Avatar } from "../kit/Bits";
import { ButtonLink, IconButton } from "../kit/Button";
import { useCommandKeys, useCommands } from "../kit/commands";
import { NoticeRegion } from "../kit/NoticeRegion";
import { Brand } from "./Brand";
import styles from "./Layout.module.css";
import { StartingPage } from "./StartingPage";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const UserMenu = lazy(async () => ({ default: (await import("./UserMenu")).UserMenu }));
const KeysDialog = lazy(async () => ({ default: (await import("./KeysDialog")).KeysDialog }));

/** What is around every page, the room too: notices, keys, palette. */
export function Shell() {
  const { t } = useTranslation("app");
  const navigate = useNavigate();
  const { status } = useSession();
  const isGuest = useMe()?.role === "guest";
  const [open, setOpen] = useState<"palette" | "keys" | null>(null);
  const close = () => {
    setOpen(null);
  };
  const go = (path: string) => () => void navigate(path);
  const members = [
    { id: "go-start", label: t("go.start"), keys: "alt+n", run: go("/start") },
    { id: "go-pocs", label: t("go.pocs"), run: go("/pocs") },
  ];
  const pages = [
    ...(isGuest ? [] : members),
    { id: "go-home", label: t("go.home"), run: go("/") },
    { id: "go-settings", label: t("go.settings"), run: go("/settings") },
    { id: "sign-out", label: t("go.signOut"), run: () => void session.signOut() },
  ];
  useCommandKeys();
  useCommands([
    { id: "palette", label: t("palette.title"), keys: "mod+k", run: () => setOpen("palette"), hidden: true },
    { id: "keys", label: t("keys.title"), keys: "?", run: () => setOpen("keys") },
    ...(status === "in" ? pages : []),
  ]);
  return (
    <>
      <Outlet context={{ openPalette: () => setOpen("palette") } satisfies ShellContext} />
      <NoticeRegion />
      <ScrollRestoration />
      <Suspense>
        {open === "palette" && <Palette onClose={close} />}
        {open === "keys" && <KeysDialog onClose={close} />}
      </Suspense>
    </>
  );
}

export interface ShellContext {
  openPalette: () => void;
}

/** Header and main of the ordinary pages. */
export function Layout() {
  const { t } = useTranslation("app");
  return (
    <div className={styles.layout}>
      <a href="#main" className={styles.skip}>
        {t("skip")}
      </a>
      <header className={styles.header}>
        <div className={styles.bar}>
          <Link to="/" className={styles.brand} aria-label={t("brandHome")}>
            <Brand />
          </Link>
          <HeaderEnd />
        </div>
      </header>
      <main id="main" tabIndex={-1} className={styles.main}>
        <Outlet />
      </main>
    </div>
  );
}

function HeaderEnd() {
  const { t } = useTranslation("app");
  const { status } = useSession();
  const isGuest = useMe()?.role === "guest";
  const { openPalette } = useOutletContext<ShellContext>();
  if (status === "starting" || status === "unreachable") return null;
  if (status === "out") {
    return (
      <nav aria-label={t("nav")} className={styles.nav}>
        <ButtonLink to="/sign-in" variant="quiet">
          {t("go.signIn")}
        </ButtonLink>
        <ButtonLink to="/sign-up">
          {t("go.signUp")}
        </ButtonLink>
      </nav>
    );
  }
  return (
    <>
      <nav aria-label={t("nav")} className={styles.nav}>
        <NavLink to="/" end className={styles.link ?? ""}>
          {t("go.home")}
        </NavLink>
        {!isGuest && (
          <NavLink to="/pocs" className={styles.link ?? ""}>
            {t("go.pocs")}
          </NavLink>
        )}
      </nav>
      <span className={styles.tools}>
        <IconButton icon="search" label={t("palette.title")} onPress={openPalette} />
        <UserButton />
      </span>
    </>
  );
}

/** The face that opens the menu; until it is pressed the menu is not fetched. */
function UserButton() {
  const { t } = useTranslation("app");
  const me = useMe();
  const [opened, setOpened] = useState(false);
  if (me === null) return null;
  const face = (
    <button
      type="button"
      className={styles.user}
      aria-label={t("user.of", { name: me.name })}
      aria-haspopup="true"
      onClick={() => setOpened(true)}
    >
      <Avatar id={me.user_id} name={me.name} />
    </button>
  );
  return opened ? (
    <Suspense fallback={face}>
      <UserMenu />
    </Suspense>
  ) : (
    face
  );
}

/** Pages for people who are signed in; others come back to this address after they signed in. */
export function GuardedLayout() {
  const { status } = useSession();
  const { pathname, search } = useLocation();
  if (status === "starting" || status === "unreachable") return <StartingPage />;
  if (status === "out") return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search)}`} replace />;
  return <Outlet />;
}
