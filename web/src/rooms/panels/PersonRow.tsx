/** One person in the list: seat, presence, hand, and the host's menu. */

import type { DragEvent, KeyboardEvent, ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Avatar } from "../../kit/Bits";
import { IconButton } from "../../kit/Button";
import { Icon, type IconName } from "../../kit/Icon";
import { Menu } from "../../kit/Menu";
import type { Person, RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import type { Removal } from "./ConfirmRemoval";
import { usePersonActions } from "./usePersonActions";
import type { Ask } from "./useAsk";
import css from "./People.module.css";

export interface PersonRowProps {
  dojo: Dojo;
  state: RoomState;
  person: Person;
  /** Place in the order of driving, from 0; -1 when not in it. */
  place: number;
  places: number;
  /** Place among the raised hands, from 0; -1 when down. */
  hand: number;
  leads: boolean;
  dragged: string | null;
  onDrag: (id: string | null) => void;
  onMove: (person: Person, to: number) => void;
  onWrite: (id: string) => void;
  onRemove: (removal: Removal) => void;
  ask: Ask;
}

export function PersonRow(props: PersonRowProps): ReactElement {
  const { t } = useTranslation("rooms");
  const { person, state, place, hand, leads, dragged } = props;
  const isMe = person.id === props.dojo.myId;
  const actions = usePersonActions(props);
  const runs = state.rotation.status !== "idle";
  const canDrop = leads && dragged !== null && dragged !== person.id && place >= 0;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    const moving = dragged === null ? undefined : state.people[dragged];
    if (moving !== undefined) props.onMove(moving, place);
    props.onDrag(null);
  };
  return (
    <li
      className={css.row}
      data-testid={`person-${person.name}`}
      data-presence={person.presence}
      data-driver={(runs && person.id === state.rotation.driver) || undefined}
      data-drop={canDrop || undefined}
      onDragOver={canDrop ? (event) => event.preventDefault() : undefined}
      onDrop={canDrop ? drop : undefined}
    >
      <Avatar name={person.name} id={person.id} size={34} />
      <span className={css.who}>
        <span className={css.nameLine} title={person.name}>
          <span className={css.name}>{person.name}</span>
          {isMe ? <span className={css.you}>{t("people.you")}</span> : null}
        </span>
        <Badges person={person} state={state} place={place} hand={hand} />
      </span>
      {leads && place >= 0 && props.places > 1 ? <Handle {...props} /> : null}
      {actions.length > 0 ? (
        <Menu label={t("people.actions", { name: person.name })} actions={actions}>
          <IconButton icon="more" size="s" label={t("people.actions", { name: person.name })} />
        </Menu>
      ) : null}
    </li>
  );
}

/** Drag it, or press the arrow keys on it. */
function Handle({ person, place, onDrag, onMove }: PersonRowProps): ReactElement {
  const { t } = useTranslation("rooms");
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    onMove(person, place + step);
  };
  return (
    <button
      type="button"
      className={css.handle}
      draggable
      aria-label={t("people.move", { name: person.name })}
      title={t("people.moveHelp")}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", person.name);
        const row = event.currentTarget.closest("li");
        if (row !== null) event.dataTransfer.setDragImage(row, 10, 10);
        onDrag(person.id);
      }}
      onDragEnd={() => onDrag(null)}
      onKeyDown={onKeyDown}
    >
      <Icon name="drag" size={18} />
    </button>
  );
}

interface Badge {
  readonly icon: IconName;
  readonly words: string;
  readonly strong?: boolean;
}

interface BadgesProps {
  person: Person;
  state: RoomState;
  place: number;
  hand: number;
}

function Badges({ person, state, place, hand }: BadgesProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  const badges = useBadges(person, state, place);
  if (badges.length === 0 && hand < 0) return null;
  return (
    <span className={css.badges}>
      {hand >= 0 ? (
        <span className={css.hand} title={t("people.hand", { count: hand + 1 })}>
          <Icon name="hand" size={14} />
          <span aria-hidden="true">{hand + 1}</span>
          <span className="visually-hidden">{t("people.hand", { count: hand + 1 })}</span>
        </span>
      ) : null}
      {badges.map((badge) => (
        <span key={badge.words} className={css.badge} data-strong={badge.strong || undefined}>
          <Icon name={badge.icon} size={14} />
          {badge.words}
        </span>
      ))}
    </span>
  );
}

function useBadges(person: Person, state: RoomState, place: number): Badge[] {
  const { t } = useTranslation("rooms");
  const { rotation } = state;
  const runs = rotation.status !== "idle";
  const badges: Badge[] = [];
  if (person.presence === "reconnecting") badges.push({ icon: "wifiOff", words: t("people.reconnecting") });
  if (person.presence === "away") badges.push({ icon: "moon", words: t("people.away") });
  if (runs && person.id === rotation.driver) badges.push({ icon: "keyboard", words: t("people.driver"), strong: true });
  else if (runs && person.id === rotation.navigator) badges.push({ icon: "wheel", words: t("people.navigator"), strong: true });
  else if (runs && place > 0) badges.push({ icon: "clock", words: t("people.inTurns", { count: place }) });
  if (state.keyboard_asked.includes(person.id)) badges.push({ icon: "keyboard", words: t("people.asks") });
  if (person.role === "host") badges.push({ icon: "crown", words: t("role.host") });
  if (person.role === "cohost") badges.push({ icon: "crown", words: t("role.cohost") });
  if (person.role === "spectator") badges.push({ icon: "eye", words: t("role.spectator") });
  if (!person.may_speak) badges.push({ icon: "micOff", words: t("people.muted") });
  return badges;
}
