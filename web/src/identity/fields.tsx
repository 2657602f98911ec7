import { useTranslation } from "react-i18next";
import { TextField } from "../kit/TextField";

const PASSWORD_LEAST = 10;

interface Props {
  /** A new person's form has the cursor in its first field. */
  autoFocus?: boolean;
}

export function NameField() {
  const { t } = useTranslation("identity");
  return <TextField name="name" label={t("field.name")} hint={t("field.nameHint")} isRequired maxLength={80} autoComplete="name" />;
}

export function OrganisationField({ autoFocus = false }: Props) {
  const { t } = useTranslation("identity");
  return (
    <TextField
      name="organisation"
      label={t("field.organisation")}
      hint={t("field.organisationHint")}
      isRequired
      maxLength={80}
      autoComplete="organization"
      autoFocus={autoFocus}
    />
  );
}

export function EmailField({ autoFocus = false }: Props) {
  const { t } = useTranslation("identity");
  return (
    <TextField
      name="email"
      type="email"
      label={t("field.email")}
      isRequired
      maxLength={254}
      autoComplete="username"
      autoFocus={autoFocus}
      validate={(value) => (value === "" || /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value.trim()) ? null : t("error.email"))}
    />
  );
}

export function PasswordField({ isNew }: { isNew: boolean }) {
  const { t } = useTranslation("identity");
  const short = (value: string) =>
    isNew && value.length > 0 && value.length < PASSWORD_LEAST ? t("error.passwordShort", { missing: PASSWORD_LEAST - value.length }) : null;
  return (
    <TextField
      name="password"
      type="password"
      label={t("field.password")}
      hint={isNew ? t("field.passwordHint") : undefined}
      isRequired
      maxLength={200}
      autoComplete={isNew ? "new-password" : "current-password"}
      validate={short}
    />
  );
}
