/** The door of a dojo for who has its link: what it is, how I look and sound, my name, in. */

import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useTitle } from "../../app/Page";
import { session, useSession } from "../../identity/session";
import { api, Problem } from "../../kit/api";
import { Spinner } from "../../kit/Bits";
import { Button, ButtonLink } from "../../kit/Button";
import { FormError, TextField } from "../../kit/Field";
import { problemText } from "../../kit/problems";
import type { Me, RoomLink, SignedIn } from "../../wire.gen";
import { useKatas } from "../katas";
import { DeviceCheck } from "../video/DeviceCheck";
import { Threshold } from "./Threshold";
import css from "./Threshold.module.css";

const LOOK_AGAIN_MS = 8_000;
const LONGEST_NAME = 80;

export function JoinPage(): ReactElement {
  const { t } = useTranslation("rooms");
  const { code = "" } = useParams();
  const { status, signedIn } = useSession();
  const link = useQuery({
    queryKey: ["link", code],
    queryFn: ({ signal }) => api.get<RoomLink>(`/links/${encodeURIComponent(code)}`, { signal, anonymous: true }),
    retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500 && error.status > 0),
    // a dojo that is not held yet opens by itself for who waits here
    refetchInterval: ({ state }) => (state.data?.is_active === false ? LOOK_AGAIN_MS : false),
  });
  useTitle(link.data?.name ?? t("join.title"));
  if (link.isError) return <NoLink error={link.error} again={() => void link.refetch()} />;
  if (link.data === undefined || status === "starting") {
    return (
      <Threshold title={t("join.opening")}>
        <Spinner label={t("join.opening")} />
      </Threshold>
    );
  }
  const me = usableFor(signedIn?.me ?? null, link.data);
  return <Door code={code} link={link.data} me={me} />;
}

/** A guest of another dojo is nobody here. */
function usableFor(me: Me | null, link: RoomLink): Me | null {
  return me !== null && (me.bound_to === null || me.bound_to === link.room_id) ? me : null;
}

function NoLink({ error, again }: { error: Error; again: () => void }): ReactElement {
  const { t } = useTranslation("rooms");
  const status = error instanceof Problem ? error.status : 0;
  const isUnknown = status === 404;
  const isGone = status === 410;
  if (isUnknown || isGone) {
    return (
      <Threshold
        icon="link"
        title={t(isGone ? "join.expired" : "join.unknown")}
        words={t(isGone ? "join.expiredWords" : "join.unknownWords")}
      >
        <ButtonLink to="/">{t("room.home")}</ButtonLink>
      </Threshold>
    );
  }
  return (
    <Threshold icon="wifiOff" title={t("join.unreachable")} words={problemText(error)}>
      <Button variant="primary" onPress={again}>
        {t("room.tryAgain")}
      </Button>
    </Threshold>
  );
}

interface DoorProps {
  code: string;
  link: RoomLink;
  me: Me | null;
}

function Door({ code, link, me }: DoorProps): ReactElement {
  const { t } = useTranslation("rooms");
  const { t: app } = useTranslation("app");
  const over = (
    <>
      {link.organisation} · <KataTitle slug={link.kata} /> · {app(`language.${link.language}`)}
    </>
  );
  const next = `/sign-in?next=${encodeURIComponent(`/j/${code}`)}`;
  if (!link.is_active) {
    return (
      <Threshold icon="clock" over={over} title={t("join.closed", { name: link.name })} words={t("join.closedWords")} isLive>
        <ButtonLink to="/">{t("room.home")}</ButtonLink>
      </Threshold>
    );
  }
  if (me === null && link.guest_pass === null) {
    const membersOnly = link.access === "members";
    return (
      <Threshold
        icon="lock"
        over={over}
        title={t(membersOnly ? "join.members" : "join.signedIn")}
        words={membersOnly ? t("join.membersWords", { organisation: link.organisation }) : t("join.signedInWords")}
      >
        <ButtonLink variant="primary" to={next}>
          {t("room.signIn")}
        </ButtonLink>
      </Threshold>
    );
  }
  return (
    <Threshold over={over} title={link.name} words={t("join.words")} aside={<DeviceCheck />}>
      <JoinForm link={link} me={me} signIn={next} />
    </Threshold>
  );
}

function KataTitle({ slug }: { slug: string }): ReactElement {
  const title = useKatas().data?.find((kata) => kata.slug === slug)?.title;
  return title === undefined ? <span className={css.kata}>{slug.replaceAll("-", " ")}</span> : <>{title}</>;
}

interface JoinFormProps {
  link: RoomLink;
  me: Me | null;
  signIn: string;
}

function JoinForm({ link, me, signIn }: JoinFormProps): ReactElement {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ field?: string; form?: string }>({});
  const join = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (me === null && name.trim() === "") return setError({ field: t("join.nameMissing") });
    setBusy(true);
    setError({});
    try {
      if (me === null) await enterAsGuest(link, name.trim());
      await navigate(`/rooms/${link.room_id}`);
    } catch (problem) {
      setError({ form: problemText(problem) });
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void join(event)} style={{ display: "grid", gap: "var(--space-4)" }} noValidate>
      {me === null ? (
        <TextField
          label={t("join.name")}
          hint={t("join.nameHint")}
          error={error.field}
          value={name}
          onChange={setName}
          maxLength={LONGEST_NAME}
          autoComplete="name"
          name="name"
        />
      ) : (
        <p>{t("join.as", { name: me.name })}</p>
      )}
      <FormError>{error.form}</FormError>
      <Button type="submit" variant="primary" size="l" wide isPending={busy}>
        {t("join.button")}
      </Button>
      {me === null ? (
        <ButtonLink variant="quiet" to={signIn}>
          {t("join.haveAccount")}
        </ButtonLink>
      ) : null}
    </form>
  );
}

async function enterAsGuest(link: RoomLink, name: string): Promise<void> {
  if (link.guest_pass === null) throw new Problem({ code: "not-invited" });
  const signedIn = await api.post<SignedIn>("/guests", { guest_pass: link.guest_pass, name }, { anonymous: true });
  session.accept(signedIn);
}
