/** The faces, loudest first; it folds, and never covers the code. */

import { useEffect, useMemo, useRef, useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import type { Person, RoomState } from "../../wire.gen";
import { isInside, loudestFirst } from "../state";
import { Tile } from "./Tile";
import type { Media } from "./useMedia";
import { Voices } from "./Voices";
import css from "./VideoStrip.module.css";

/** Tiles change places at most this often: a strip that jumps at every word is no help. */
const CALM_MS = 3_000;

export interface VideoStripProps {
  state: RoomState;
  myId: string | null;
  media: Media;
  folded: boolean;
  onFold: (folded: boolean) => void;
}

export function VideoStrip({ state, myId, media, folded, onFold }: VideoStripProps): ReactElement {
  const { t } = useTranslation("rooms");
  const people = useCalmOrder(state, media);
  const hasLine = media.status !== "off" && media.status !== "elsewhere";
  return (
    <section className={css.strip} aria-label={t("media.video")} data-folded={folded || undefined} data-status={media.status}>
      <MediaNotice media={media} />
      {hasLine && !folded ? (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
        <div className={css.tiles} tabIndex={0}>
          {people.map((person) => (
            <Tile
              key={person.id}
              id={person.id}
              name={person.name}
              face={media.faces.find((face) => face.id === person.id) ?? null}
              isMe={person.id === myId}
              drives={state.rotation.status !== "idle" && state.rotation.driver === person.id}
              hand={person.hand_at !== null}
            />
          ))}
        </div>
      ) : null}
      {hasLine ? (
        <span className={css.fold}>
          {folded ? <Speaker people={people} media={media} /> : null}
          <IconButton
            icon={folded ? "chevronDown" : "chevronUp"}
            size="s"
            label={t(folded ? "media.showFaces" : "media.hideFaces")}
            aria-expanded={!folded}
            onPress={() => onFold(!folded)}
          />
        </span>
      ) : null}
      <Voices voices={media.voices} />
    </section>
  );
}

function Speaker({ people, media }: { people: readonly Person[]; media: Media }): ReactElement {
  const { t } = useTranslation("rooms");
  const speaking = people.filter((person) => media.faces.some((face) => face.id === person.id && face.speaking));
  return (
    <span className={css.foldedWords}>
      {speaking.length === 0
        ? t("media.folded")
        : t("media.speaks", { names: speaking.map((person) => person.name).join(", ") })}
    </span>
  );
}

/** What is the matter with audio and video, in words; nothing while all is well. */
function MediaNotice({ media }: { media: Media }): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (media.status === "off") {
    return (
      <p className={css.notice} role="status">
        <Icon name="cameraOff" size={18} />
        {t("media.off")} {t(media.reason === "no-media" ? "media.offHere" : "media.offUnreachable")}
      </p>
    );
  }
  if (media.status === "elsewhere") {
    return (
      <p className={css.notice} role="status">
        {t("media.elsewhere")}
        <Button size="s" onPress={media.takeBack}>
          {t("media.takeBack")}
        </Button>
      </p>
    );
  }
  if (media.status === "on" && media.audioBlocked) {
    return (
      <p className={css.notice} role="status">
        <Button size="s" variant="primary" icon="speaker" onPress={media.hear}>
          {t("media.hear")}
        </Button>
        {t("media.hearWhy")}
      </p>
    );
  }
  if (media.status === "on") return null;
  return (
    <p className={css.notice} role="status">
      {t(media.status === "connecting" ? "media.connecting" : "media.reconnecting")}
    </p>
  );
}

function useCalmOrder(state: RoomState, media: Media): readonly Person[] {
  const sorted = useMemo(() => {
    const levels = new Map(media.faces.map((face) => [face.id, face.speaking ? Math.max(face.loudness, 0.02) : 0]));
    return loudestFirst(Object.values(state.people).filter(isInside), levels).map((person) => person.id);
  }, [state.people, media.faces]);
  const [order, setOrder] = useState<readonly string[]>(sorted);
  const latest = useRef(sorted);
  useEffect(() => {
    latest.current = sorted;
  }, [sorted]);
  useEffect(() => {
    const timer = window.setInterval(() => setOrder(latest.current), CALM_MS);
    return () => window.clearInterval(timer);
  }, []);
  const place = (id: string): number => {
    const found = order.indexOf(id);
    return found < 0 ? order.length : found;
  };
  return sorted
    .toSorted((a, b) => place(a) - place(b))
    .flatMap((id) => state.people[id] ?? []);
}
