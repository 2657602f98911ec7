import { useMutation, useQuery } from "@tanstack/react-query";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Page } from "../app/Page";
import { api } from "../kit/api";
import { EmptyState, Skeleton } from "../kit/Bits";
import { Button, ButtonLink } from "../kit/Button";
import { FormError } from "../kit/Field";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { InvitationCard, SignedIn } from "../wire.gen";
import { NameField, PasswordField } from "./fields";
import { onSubmit } from "./form";
import type { Values } from "./form";
import styles from "./identity.module.css";
import { session } from "./session";

export function InvitationPage() {
  const { t } = useTranslation(["identity", "app"]);
  const { word = "" } = useParams();
  const card = useQuery({
    queryKey: ["invitation", word],
    queryFn: ({ signal }) => api.get<InvitationCard>(`/invitations/${encodeURIComponent(word)}`, { signal, anonymous: true }),
  });
  return (
    <Page title={t("invitation.title")} narrow>
      {card.isPending && <Skeleton height={72} count={3} />}
      {card.error && (
        <EmptyState icon="alert" title={t("invitation.gone")} action={<ButtonLink to="/">{t("app:notFound.home")}</ButtonLink>}>
          {problemText(card.error)}
        </EmptyState>
      )}
      {card.data && <Accept word={word} card={card.data} />}
    </Page>
  );
}

function Accept({ word, card }: { word: string; card: InvitationCard }) {
  const { t } = useTranslation("identity");
  const navigate = useNavigate();
  const accept = useMutation({
    mutationFn: ({ name, password }: Values) =>
      api.post<SignedIn>("/invitations/accept", { word, password, ...(card.has_account ? {} : { name }) }, { anonymous: true }),
    onSuccess: (signedIn) => {
      session.accept(signedIn);
      notify({ kind: "success", text: t("invitation.welcome", { organisation: card.organisation }) });
      void navigate("/");
    },
  });
  return (
    <>
      <p>{t("invitation.to", { email: card.email, organisation: card.organisation, role: t(`role.${card.role}`) })}</p>
      <p>{card.has_account ? t("invitation.knownText") : t("invitation.newText")}</p>
      <Form className={styles.form ?? ""} onSubmit={onSubmit(accept.mutate)}>
        <input type="hidden" autoComplete="username" value={card.email} readOnly />
        {!card.has_account && <NameField />}
        <PasswordField isNew={!card.has_account} />
        <FormError>{accept.error && problemText(accept.error)}</FormError>
        <Button type="submit" variant="primary" wide isPending={accept.isPending}>
          {t("invitation.accept")}
        </Button>
      </Form>
    </>
  );
}
