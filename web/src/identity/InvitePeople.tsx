import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { formatDateTime } from "../i18n/format";
import { api } from "../kit/api";
import { Card, CopyField } from "../kit/Bits";
import { Button } from "../kit/Button";
import { FormError, Select } from "../kit/Field";
import { problemText } from "../kit/problems";
import type { Invitation, NewInvitation } from "../wire.gen";
import { EmailField } from "./fields";
import { onSubmit } from "./form";
import styles from "./identity.module.css";

type InvitedRole = NonNullable<NewInvitation["role"]>;

const ROLES: readonly InvitedRole[] = ["member", "host", "admin"];

/** Makes an invitation and shows its link, which nobody can see again. */
export function InvitePeople({ organisation }: { organisation: string }) {
  const { t } = useTranslation("identity");
  const [role, setRole] = useState<InvitedRole>("member");
  const invite = useMutation({ mutationFn: (body: NewInvitation) => api.post<Invitation>("/invitations", body) });
  const made = invite.data;
  return (
    <Card as="section">
      <div className={styles.section}>
        <h2>{t("settings.invite")}</h2>
        <p>{t("settings.inviteText", { organisation })}</p>
        <Form className={styles.form ?? ""} onSubmit={onSubmit(({ email = "" }) => invite.mutate({ email, role }))}>
          <div className={styles.row}>
            <EmailField />
            <Select
              label={t("settings.inviteRole")}
              value={role}
              onChange={setRole}
              options={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
            />
          </div>
          <FormError>{invite.error && problemText(invite.error)}</FormError>
          <div className={styles.end}>
            <Button type="submit" isPending={invite.isPending}>
              {t("settings.inviteSubmit")}
            </Button>
          </div>
        </Form>
        <div role="status" className={styles.made}>
          {made && (
            <>
              <CopyField
                label={t("settings.inviteLink", { email: made.email })}
                value={`${window.location.origin}/invitations/${made.word}`}
              />
              <p>{t("settings.inviteUntil", { when: formatDateTime(made.expires_at) })}</p>
            </>
          )}
        </div>
      </div>
    </Card>
  );
}
