import { useTranslation } from "react-i18next";
import { Button } from "../kit/Button";
import { Problem } from "../kit/api";
import { EmptyState } from "../kit/Bits";
import { problemText } from "../kit/problems";

/** What is not there, or not for this person, will not be there at the next try. */
function isGone(error: unknown): boolean {
  return error instanceof Problem && [403, 404, 410].includes(error.status);
}

/** In the place of what could not be loaded: what happened, and another try. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation("app");
  return (
    <div role="alert">
      <EmptyState
        icon="alert"
        title={t("failed.title")}
        action={
          onRetry &&
          !isGone(error) && (
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
