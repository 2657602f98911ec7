import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "../app/Page";
import { chooseTheme, useTheme } from "../app/theme";
import type { Theme } from "../app/theme";
import { chooseLanguage, currentLanguage, LANGUAGES } from "../i18n";
import type { Language } from "../i18n";
import { api } from "../kit/api";
import { Card } from "../kit/Bits";
import { Button } from "../kit/Button";
import { Choice } from "../kit/Field";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { Me, SignedIn } from "../wire.gen";
import { Devices } from "./Devices";
import { InvitePeople } from "./InvitePeople";
import styles from "./identity.module.css";
import { session, useMe } from "./session";

export function SettingsPage() {
  const { t } = useTranslation("identity");
  const me = useMe();
  if (me === null) return null;
  return (
    <Page title={t("settings.title")}>
      <div className={styles.sections}>
        <Profile me={me} />
        <Look />
        {(me.role === "owner" || me.role === "admin") && <InvitePeople organisation={me.organisation} />}
        {me.role !== "guest" && <Devices />}
      </div>
    </Page>
  );
}

function Profile({ me }: { me: Me }) {
  const { t } = useTranslation("identity");
  const choose = useMutation({
    mutationFn: (tenant_id: string) => api.post<SignedIn>("/session/tenant", { tenant_id }),
    onSuccess: session.accept,
    onError: (error) => notify({ kind: "error", text: problemText(error) }),
  });
  return (
    <Card as="section">
      <div className={styles.section}>
        <h2>{t("settings.profile")}</h2>
        <dl className={styles.pairs}>
          <dt>{t("settings.name")}</dt>
          <dd>{me.name}</dd>
          <dt>{t("settings.email")}</dt>
          <dd>{me.email ?? "–"}</dd>
          <dt>{t("settings.organisation")}</dt>
          <dd>{me.organisation}</dd>
          <dt>{t("settings.role")}</dt>
          <dd>{t(`role.${me.role}`)}</dd>
        </dl>
        {me.memberships.length > 1 && (
          <>
            <h3>{t("settings.switch")}</h3>
            <ul className={styles.list}>
              {me.memberships.map((membership) => (
                <li key={membership.tenant_id}>
                  <span className={styles.what}>
                    {membership.organisation}
                    <small>{t(`role.${membership.role}`)}</small>
                  </span>
                  {membership.tenant_id === me.tenant_id ? (
                    <span>{t("settings.here")}</span>
                  ) : (
                    <Button isPending={choose.isPending} onPress={() => choose.mutate(membership.tenant_id)}>
                      {t("settings.switchTo", { organisation: membership.organisation })}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  );
}

function Look() {
  const { t } = useTranslation("identity");
  const theme = useTheme();
  // Shows the choice at once; the words follow when they are fetched.
  const [language, setLanguage] = useState<Language>(currentLanguage);
  return (
    <Card as="section">
      <div className={styles.section}>
        <h2>{t("settings.look")}</h2>
        <Choice<Theme>
          label={t("settings.theme")}
          name="theme"
          value={theme}
          onChange={chooseTheme}
          options={[
            { value: "system", label: t("settings.themeSystem") },
            { value: "light", label: t("settings.themeLight") },
            { value: "dark", label: t("settings.themeDark") },
          ]}
        />
        <Choice<Language>
          label={t("settings.language")}
          name="language"
          value={language}
          onChange={(next) => {
            setLanguage(next);
            void chooseLanguage(next);
          }}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, label: LANGUAGES[value] }))}
        />
      </div>
    </Card>
  );
}
