import { useTranslation } from "react-i18next";
import { Button } from "../kit/Button";
import { EmptyState } from "../kit/Bits";
import { problemText } from "../kit/problems";

/** In the place of what could not be loaded: what happened, and another try. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation("app");
  return (
    <div role="alert">
      <EmptyState
        icon="alert"
        title={t("failed.title")}
        action={
          onRetry && (
            <Button icon="refresh" onPress={onRetry}>
              {t("failed.retry")}
            </Button>
          )
        }
      >
        {problemText(error)}
      </EmptyState>
    </div>
  );
}
