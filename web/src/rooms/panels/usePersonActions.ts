/** What I may do with a person of the list. The server decides again. */

import { useTranslation } from "react-i18next";
import type { MenuAction } from "../../kit/Menu";
import type { Person } from "../../wire.gen";
import type { PersonRowProps } from "./PersonRow";

type Role = Person["role"];
type Words = (key: string) => string;

/** Hosts act on everybody below them; everybody may write to another. */
export function usePersonActions(props: PersonRowProps): MenuAction[] {
  const { t } = useTranslation("rooms");
  const words: Words = (key) => (t as Words)(`people.menu.${key}`);
  const { person, dojo, leads, onWrite } = props;
  const isMe = person.id === dojo.myId;
  const actions: MenuAction[] = [];
  if (!isMe) actions.push({ id: "write", label: words("write"), icon: "chat", run: () => onWrite(person.id) });
  if (!leads) return actions;
  return [...actions, ...orderActions(props, words), ...(isMe || !isBelow(props) ? [] : hostActions(props, words))];
}

function isBelow({ person, dojo, state }: PersonRowProps): boolean {
  if (person.id === state.owner_id) return false;
  return dojo.me?.role === "host" || person.role !== "host";
}

function orderActions({ person, place, places, onMove }: PersonRowProps, words: Words): MenuAction[] {
  const actions: MenuAction[] = [];
  if (place > 0) {
    actions.push({ id: "earlier", label: words("earlier"), icon: "chevronUp", run: () => onMove(person, place - 1) });
  }
  if (place >= 0 && place < places - 1) {
    actions.push({ id: "later", label: words("later"), icon: "chevronDown", run: () => onMove(person, place + 1) });
  }
  return actions;
}

const ROLES: readonly { role: Role; icon: NonNullable<MenuAction["icon"]> }[] = [
  { role: "cohost", icon: "crown" },
  { role: "participant", icon: "person" },
  { role: "spectator", icon: "eye" },
];

function hostActions({ person, ask, onRemove, hand }: PersonRowProps, words: Words): MenuAction[] {
  const id = person.id;
  const roles = ROLES.filter(({ role }) => role !== person.role).map(({ role, icon }) => ({
    id: role,
    label: words(role),
    icon,
    run: () => void ask("person:role", { person_id: id, role }),
  }));
  const speech: MenuAction = {
    id: "speech",
    label: words(person.may_speak ? "mute" : "unmute"),
    icon: person.may_speak ? "micOff" : "mic",
    run: () => void ask("person:speech", { person_id: id, may_speak: !person.may_speak }),
  };
  const lower: MenuAction = {
    id: "hand",
    label: words("lowerHand"),
    icon: "hand",
    run: () => void ask("hand:set", { raised: false, person_id: id }),
  };
  return [
    ...roles,
    speech,
    ...(hand >= 0 ? [lower] : []),
    { id: "remove", label: words("remove"), icon: "leave", danger: true, run: () => onRemove({ person, ban: false }) },
    { id: "ban", label: words("ban"), icon: "lock", danger: true, run: () => onRemove({ person, ban: true }) },
  ];
}
