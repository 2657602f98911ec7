import { useTranslation } from "react-i18next";
import { useRouteError } from "react-router";
import { Button } from "../kit/Button";
import { EmptyState } from "../kit/Bits";

/** A page that broke, or whose script is not there any more because a newer version was put up. */
export function RouteError() {
  const { t } = useTranslation("app");
  const error = useRouteError();
  console.error(error);
  const reload = (
    <Button
      variant="primary"
      icon="refresh"
      onPress={() => {
        window.location.reload();
      }}
    >
      {t("broken.reload")}
    </Button>
  );
  return (
    <div role="alert">
      <EmptyState icon="alert" title={t("broken.title")} isHeading action={reload}>
        {t("broken.why")}
      </EmptyState>
    </div>
  );
}
