import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useParams } from "react-router";
import { Failed } from "../../app/Failed";
import { Page } from "../../app/Page";
import { KeepAsPocDialog } from "../../catalog/KeepAsPocDialog";
import type { LightChoice } from "../../catalog/KeepAsPocDialog";
import { formatClock, formatDateTime } from "../../i18n/format";
import { api } from "../../kit/api";
import { Skeleton } from "../../kit/Bits";
import { Button, ButtonLink } from "../../kit/Button";
import type { SessionSummary } from "../../wire.gen";
import { useKatas } from "../katas";
import { DriverShares } from "./DriverShares";
import { LightStrip } from "./LightStrip";
import styles from "./Summary.module.css";
import { Timeline } from "./Timeline";

const RUNNING_MS = 10_000;

function useSummary(roomId: string, sessionId: string) {
  return useQuery({
    queryKey: ["summary", roomId, sessionId],
    queryFn: ({ signal }) => api.get<SessionSummary>(`/rooms/${roomId}/sessions/${sessionId}/summary`, { signal }),
    // While the dojo goes on, so does its summary.
    refetchInterval: ({ state }) => (state.data && state.data.ended_at === null ? RUNNING_MS : false),
  });
}

/** The lights of the time line whose files were stored, oldest first. */
export function lightsOf(summary: SessionSummary): LightChoice[] {
  return summary.timeline.flatMap(({ kind, light_id, colour, at }) =>
    kind === "light" && light_id !== null && colour !== null ? [{ id: light_id, colour, at }] : [],
  );
}

export function SummaryPage() {
  const { t } = useTranslation("dojos");
  const { roomId = "", sessionId = "" } = useParams();
  const summary = useSummary(roomId, sessionId);
  if (summary.data) return <Summary summary={summary.data} />;
  return (
    <Page title={t("summary.title", { name: "" }).replace(/:?\s*$/, "")}>
      {summary.isPending && <Skeleton height={120} count={3} />}
      {summary.error && <Failed error={summary.error} onRetry={() => void summary.refetch()} />}
    </Page>
  );
}

function Summary({ summary }: { summary: SessionSummary }) {
  const { t } = useTranslation(["dojos", "catalog"]);
  const { hash } = useLocation();
  const [keeping, setKeeping] = useState<{ lightId?: string } | null>(null);
  const kata = useKataTitle(summary.kata);
  const lights = lightsOf(summary);
  const date = formatDateTime(summary.started_at);
  const when =
    summary.ended_at === null
      ? t("summary.running", { date })
      : t("summary.when", { date, length: formatClock(summary.ended_at - summary.started_at) });
  const actions = (
    <>
      {summary.ended_at === null && <ButtonLink to={`/rooms/${summary.room_id}`}>{t("summary.enter")}</ButtonLink>}
      <Button variant="primary" icon="star" onPress={() => setKeeping({})}>
        {t("catalog:keep.open")}
      </Button>
    </>
  );
  return (
    <Page title={t("summary.title", { name: summary.name })} intro={<p>{when}</p>} actions={actions}>
      <Facts summary={summary} kata={kata} />
      <LightStrip lights={lights} marked={hash.replace(/^#light-/, "")} onKeep={(lightId) => setKeeping({ lightId })} />
      <div className={styles.columns}>
        <Timeline entries={summary.timeline} startedAt={summary.started_at} />
        <DriverShares drivers={summary.drivers} />
      </div>
      {keeping && (
        <KeepAsPocDialog
          roomId={summary.room_id}
          lights={lights}
          {...keeping}
          dojo={summary.name}
          kata={summary.kata}
          language={summary.language}
          onClose={() => setKeeping(null)}
        />
      )}
    </Page>
  );
}

function useKataTitle(slug: string): string {
  return useKatas().data?.find((kata) => kata.slug === slug)?.title ?? slug;
}

function Facts({ summary, kata }: { summary: SessionSummary; kata: string }) {
  const { t } = useTranslation(["dojos", "app"]);
  const facts = [
    [t("summary.kata"), kata],
    [t("summary.language"), t(`app:language.${summary.language}`)],
    [t("summary.lights"), t("summary.lightsOf", { greens: summary.greens, lights: summary.lights })],
    [t("summary.messages"), String(summary.messages)],
    [t("summary.people"), summary.people.join(", ") || "–"],
  ] as const;
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
