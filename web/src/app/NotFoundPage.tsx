import { useTranslation } from "react-i18next";
import { ButtonLink } from "../kit/Button";
import { EmptyState } from "../kit/Bits";
import { Page } from "./Page";

export function NotFoundPage() {
  const { t } = useTranslation("app");
  return (
    <Page title={t("notFound.title")}>
      <EmptyState icon="search" title={t("notFound.what")} action={<ButtonLink to="/">{t("notFound.home")}</ButtonLink>}>
        {t("notFound.why")}
      </EmptyState>
    </Page>
  );
}
