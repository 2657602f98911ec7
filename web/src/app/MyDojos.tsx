import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { formatAgo, formatClock, formatDateTime } from "../i18n/format";
import { useMe } from "../identity/session";
import { api } from "../kit/api";
import { EmptyState, Skeleton } from "../kit/Bits";
import { Button, ButtonLink } from "../kit/Button";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { Room, RoomPage } from "../wire.gen";
import { Failed } from "./Failed";
import styles from "./Home.module.css";

const PAGE = 8;

export function MyDojos() {
  const { t } = useTranslation("app");
  const rooms = useInfiniteQuery({
    queryKey: ["rooms", "all"],
    queryFn: ({ pageParam, signal }) =>
      api.get<RoomPage>("/rooms", { query: { state: "all", limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    refetchInterval: 30_000,
  });
  const items = rooms.data?.pages.flatMap((page) => page.items) ?? [];
  // What is open now comes first; the rest stays newest first.
  const sorted = [...items].sort((a, b) => Number(b.is_active) - Number(a.is_active));
  return (
    <section aria-labelledby="dojos" className={styles.column}>
      <h2 id="dojos">{t("home.dojos")}</h2>
      {rooms.isPending && <Skeleton height={86} count={3} />}
      {rooms.error && !rooms.data && <Failed error={rooms.error} onRetry={() => void rooms.refetch()} />}
      {rooms.data && items.length === 0 && (
        <EmptyState
          icon="door"
          title={t("home.noDojos")}
        >
          {t("home.noDojosText")}
        </EmptyState>
      )}
      {items.length > 0 && (
        <ul className={styles.rows}>
          {sorted.map((room) => (
            <DojoRow key={room.id} room={room} />
          ))}
        </ul>
      )}
      {rooms.hasNextPage && (
        <Button isPending={rooms.isFetchingNextPage} onPress={() => void rooms.fetchNextPage()}>
          {t("home.more")}
        </Button>
      )}
    </section>
  );
}

function stateOf(room: Room): "open" | "planned" | "ended" {
  if (room.is_active) return "open";
  return room.session_id === null ? "planned" : "ended";
}

function DojoRow({ room }: { room: Room }) {
  const { t } = useTranslation("app");
  const state = stateOf(room);
  const when =
    state === "planned" && room.starts_at !== null
      ? t("home.starts", { when: formatDateTime(room.starts_at) })
      : t("home.created", { when: formatAgo(room.created_at) });
  return (
    <li className={styles.row}>
      <div className={styles.rowWords}>
        <h3>
          <Link to={state === "ended" ? `/rooms/${room.id}/sessions/${room.session_id ?? ""}` : `/rooms/${room.id}`}>{room.name}</Link>
        </h3>
        <p>
          <span className={`${styles.state ?? ""} ${state === "open" ? (styles.open ?? "") : ""}`}>{t(`home.${state}`)}</span>
          {" · "}
          {t(`language.${room.language}`)}
          {" · "}
          {t("home.turns", { clock: formatClock(room.turn_seconds) })}
          {" · "}
          {when}
        </p>
      </div>
      <DojoActions room={room} state={state} />
    </li>
  );
}

function DojoActions({ room, state }: { room: Room; state: ReturnType<typeof stateOf> }) {
  const { t } = useTranslation("app");
  const me = useMe();
  const navigate = useNavigate();
  const client = useQueryClient();
  const hold = useMutation({
    mutationFn: () => api.post<Room>(`/rooms/${room.id}/open`),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["rooms"] });
      void navigate(`/rooms/${room.id}`);
    },
    onError: (error) => notify({ kind: "error", text: problemText(error) }),
  });
  const enter = (
    <ButtonLink to={`/rooms/${room.id}`} variant={state === "open" ? "primary" : "secondary"} aria-label={`${t("home.enter")}: ${room.name}`}>
      {t("home.enter")}
    </ButtonLink>
  );
  if (state === "open") return enter;
  if (me?.user_id !== room.owner_id) return state === "planned" ? enter : null;
  return (
    <Button
      isPending={hold.isPending}
      aria-label={`${state === "planned" ? t("home.enter") : t("home.reopen")}: ${room.name}`}
      onPress={() => {
        hold.mutate();
      }}
    >
      {state === "planned" ? t("home.enter") : t("home.reopen")}
    </Button>
  );
}
