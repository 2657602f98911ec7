import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Failed } from "../../app/Failed";
import { Page } from "../../app/Page";
import { formatDateTime } from "../../i18n/format";
import { useMe } from "../../identity/session";
import { api } from "../../kit/api";
import { Card, CopyField, Skeleton } from "../../kit/Bits";
import { Button, ButtonLink } from "../../kit/Button";
import { Choice, FormError } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { problemText } from "../../kit/problems";
import type { KataSummary, NewRoom, Room } from "../../wire.gen";
import { useKatas } from "../katas";
import { KataChoice } from "./KataChoice";
import { MoreChoices } from "./MoreChoices";
import type { Choices } from "./MoreChoices";
import styles from "./Start.module.css";

type Language = Room["language"];

const TURNS = [120, 180, 240, 300, 420, 600];
const LAST = "dojo.start";

interface Last {
  language?: Language;
  turn_seconds?: number;
}

/** What was chosen the last time is what is offered now. */
function lastChoices(): Last {
  try {
    return JSON.parse(localStorage.getItem(LAST) ?? "{}") as Last;
  } catch {
    return {};
  }
}

function remember(last: Last): void {
  try {
    localStorage.setItem(LAST, JSON.stringify(last));
  } catch {
    // Storage is closed to us: the next dojo starts from the usual choices.
  }
}

export function StartPage() {
  const { t } = useTranslation("dojos");
  const katas = useKatas();
  return (
    <Page title={t("start.title")} intro={<p>{t("start.intro")}</p>}>
      {katas.isPending && <Skeleton height={92} count={4} />}
      {katas.error && <Failed error={katas.error} onRetry={() => void katas.refetch()} />}
      {katas.data && <StartForm katas={katas.data} />}
    </Page>
  );
}

function StartForm({ katas }: { katas: readonly KataSummary[] }) {
  const { t } = useTranslation(["dojos", "app"]);
  const me = useMe();
  const [last] = useState(lastChoices);
  const [language, setLanguage] = useState<Language>(last.language ?? "python");
  const [turn, setTurn] = useState(TURNS.includes(last.turn_seconds ?? 0) ? (last.turn_seconds ?? 240) : 240);
  const [chosen, setChosen] = useState<string | null>(null);
  const [choices, setChoices] = useState<Choices>({ name: "", access: "link", startsAt: null });
  const offered = katas.filter((kata) => kata.languages.includes(language));
  const kata = offered.find(({ slug }) => slug === chosen) ?? offered[0];
  const create = useCreate();
  const submit = () => {
    if (kata === undefined || create.isPending) return;
    remember({ language, turn_seconds: turn });
    create.mutate({
      kata: kata.slug,
      language,
      turn_seconds: turn,
      access: choices.access,
      ...(choices.name.trim() ? { name: choices.name.trim() } : {}),
      ...(choices.startsAt ? { starts_at: new Date(choices.startsAt).toISOString() } : {}),
    });
  };
  if (create.data && !create.data.is_active) return <Planned room={create.data} />;
  return (
    <Form
      className={styles.form ?? ""}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className={styles.quick}>
        <Choice<Language>
          label={t("start.language")}
          name="language"
          value={language}
          onChange={setLanguage}
          options={(["python", "javascript"] as const).map((value) => ({ value, label: t(`app:language.${value}`) }))}
        />
        <Choice
          label={t("start.turn")}
          name="turn"
          value={String(turn)}
          onChange={(value) => setTurn(Number(value))}
          options={TURNS.map((seconds) => ({ value: String(seconds), label: t("start.minutes", { count: seconds / 60 }) }))}
        />
      </div>
      <KataChoice katas={offered} chosen={kata?.slug ?? null} onChoose={setChosen} />
      <MoreChoices choices={choices} organisation={me?.organisation ?? ""} onChange={setChoices} />
      <FormError>{create.error && problemText(create.error)}</FormError>
      <div className={styles.submit}>
        <Button type="submit" variant="primary" size="l" isPending={create.isPending} isDisabled={kata === undefined}>
          {t("start.submit")}
        </Button>
      </div>
    </Form>
  );
}

function useCreate() {
  const navigate = useNavigate();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (room: NewRoom) => api.post<Room>("/rooms", room),
    onSuccess: (room) => {
      void client.invalidateQueries({ queryKey: ["rooms"] });
      if (room.is_active) void navigate(`/rooms/${room.id}`);
    },
  });
}

function Planned({ room }: { room: Room }) {
  const { t } = useTranslation(["dojos", "app"]);
  return (
    <Card as="section">
      <div role="status" className={styles.planned}>
        <Icon name="check" size={28} />
        <h2>{t("start.planned")}</h2>
        <p>{t("start.plannedWords", { when: formatDateTime(room.starts_at ?? room.created_at) })}</p>
        <CopyField label={t("start.plannedLink", { name: room.name })} value={`${window.location.origin}/j/${room.code}`} />
        <ButtonLink to="/">{t("app:go.home")}</ButtonLink>
      </div>
    </Card>
  );
}
