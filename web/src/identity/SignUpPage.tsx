import { useMutation } from "@tanstack/react-query";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Link, Navigate, useSearchParams } from "react-router";
import { Page } from "../app/Page";
import { api } from "../kit/api";
import { Button } from "../kit/Button";
import { FormError } from "../kit/Field";
import { problemText } from "../kit/problems";
import type { SignedIn } from "../wire.gen";
import { EmailField, NameField, OrganisationField, PasswordField } from "./fields";
import { nextPath, onSubmit } from "./form";
import type { Values } from "./form";
import styles from "./identity.module.css";
import { session, useSession } from "./session";

export function SignUpPage() {
  const { t } = useTranslation("identity");
  const [search] = useSearchParams();
  const { signedIn } = useSession();
  const signUp = useMutation({
    mutationFn: ({ organisation, name, email, password }: Values) =>
      api.post<SignedIn>("/sign-up", { organisation, name, email, password }, { anonymous: true }),
    onSuccess: session.accept,
  });
  // A guest is signed in to one dojo only, and may well want an account.
  if (signedIn && signedIn.me.role !== "guest") return <Navigate to={nextPath(search)} replace />;
  return (
    <Page title={t("signUp.title")} intro={t("signUp.intro")} narrow>
      <Form className={styles.form ?? ""} onSubmit={onSubmit(signUp.mutate)}>
        <OrganisationField autoFocus />
        <NameField />
        <EmailField />
        <PasswordField isNew />
        <FormError>{signUp.error && problemText(signUp.error)}</FormError>
        <Button type="submit" variant="primary" wide isPending={signUp.isPending}>
          {t("signUp.submit")}
        </Button>
      </Form>
      <p className={styles.other}>
        <Link to={`/sign-in?${search.toString()}`}>{t("signUp.or")}</Link>
      </p>
    </Page>
  );
}
