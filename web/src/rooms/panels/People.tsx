/** Who is here: the rotation on top, then the others; hands in order; what hosts can do with each. */

import { useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { handsInOrder, isHost } from "../state";
import { ConfirmRemoval, type Removal } from "./ConfirmRemoval";
import { PersonRow } from "./PersonRow";
import { moved, peopleByTurn, turnOrder } from "./rotationOrder";
import type { Ask } from "./useAsk";
import css from "./People.module.css";

export interface PeopleProps {
  dojo: Dojo;
  ask: Ask;
  /** Start a private message to this person. */
  onWrite: (id: string) => void;
}

export function People({ dojo, ask, onWrite }: PeopleProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  const [removal, setRemoval] = useState<Removal | null>(null);
  const [dragged, setDragged] = useState<string | null>(null);
  const [said, setSaid] = useState("");
  const state = dojo.state;
  if (state === null) return null;
  const order = turnOrder(state);
  const people = peopleByTurn(state);
  const hands = handsInOrder(state).map((person) => person.id);
  const move = (person: Person, to: number): void => {
    const next = moved(order, person.id, to);
    if (next === order) return;
    setSaid(t("people.moved", { name: person.name, place: next.indexOf(person.id) + 1, count: next.length }));
    void ask("rotation:reorder", { order: next });
  };
  const leads = isHost(dojo.me);
  return (
    <div className={css.people}>
      <h2 className={css.title}>
        {t("people.title")} <span className={css.count}>{t("people.count", { count: people.length, seats: state.capacity })}</span>
      </h2>
      <ol className={css.list}>
        {people.map((person) => (
          <PersonRow
            key={person.id}
            dojo={dojo}
            state={state}
            person={person}
            place={order.indexOf(person.id)}
            places={order.length}
            hand={hands.indexOf(person.id)}
            leads={leads}
            dragged={dragged}
            onDrag={setDragged}
            onMove={move}
            onWrite={onWrite}
            onRemove={setRemoval}
            ask={ask}
          />
        ))}
      </ol>
      <Gone people={Object.values(state.people)} />
      <p role="status" className="visually-hidden">
        {said}
      </p>
      <ConfirmRemoval removal={removal} onClose={() => setRemoval(null)} ask={ask} />
    </div>
  );
}

const GONE_SHOWN = 8;

function Gone({ people }: { people: readonly Person[] }): ReactElement | null {
  const { t } = useTranslation("rooms");
  const gone = people.filter((person) => person.presence === "gone");
  if (gone.length === 0) return null;
  const names = gone.slice(0, GONE_SHOWN).map((person) => person.name);
  const more = gone.length - names.length;
  return (
    <p className={css.gone}>
      {t("people.gone", { names: names.join(", ") })}
      {more > 0 ? ` ${t("people.goneMore", { count: more })}` : ""}
    </p>
  );
}
