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
import { EmailField, PasswordField } from "./fields";
import { nextPath, onSubmit } from "./form";
import type { Values } from "./form";
import styles from "./identity.module.css";
import { session, useSession } from "./session";

export function SignInPage() {
  const { t } = useTranslation("identity");
  const [search] = useSearchParams();
  const { status } = useSession();
  const signIn = useMutation({
    mutationFn: ({ email, password }: Values) => api.post<SignedIn>("/session", { email, password }, { anonymous: true }),
    onSuccess: session.accept,
  });
  if (status === "in") return <Navigate to={nextPath(search)} replace />;
  return (
    <Page title={t("signIn.title")} narrow>
      <Form className={styles.form ?? ""} onSubmit={onSubmit(signIn.mutate)}>
        <EmailField autoFocus />
        <PasswordField isNew={false} />
        <FormError>{signIn.error && problemText(signIn.error)}</FormError>
        <Button type="submit" variant="primary" wide isPending={signIn.isPending}>
          {t("signIn.submit")}
        </Button>
      </Form>
      <p className={styles.other}>
        <Link to={`/sign-up?${search.toString()}`}>{t("signIn.or")}</Link>
      </p>
    </Page>
  );
}
