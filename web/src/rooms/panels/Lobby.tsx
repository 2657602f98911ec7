/** Who knocks, for the hosts. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Avatar } from "../../kit/Bits";
import { Button } from "../../kit/Button";
import { isHost, waiting } from "../state";
import type { Dojo } from "../protocol";
import type { Ask } from "./useAsk";
import css from "./Lobby.module.css";

/** Shown to hosts while somebody waits. */
export function Lobby({ dojo, ask }: { dojo: Dojo; ask: Ask }): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (dojo.state === null || !isHost(dojo.me)) return null;
  const people = waiting(dojo.state);
  if (people.length === 0) return null;
  return (
    <section className={css.lobby} aria-label={t("lobby.title")}>
      <div className={css.head} role="status">
        {t("lobby.knocks", { count: people.length })}
      </div>
      <ul className={css.people}>
        {people.map((person) => (
          <li key={person.id} className={css.person} data-testid={`knock-${person.name}`}>
            <Avatar name={person.name} id={person.id} size={28} />
            <span className={css.name}>{person.name}</span>
            <span className={css.answers}>
              <Button
                size="s"
                variant="primary"
                aria-describedby={`knock-${person.id}`}
                onPress={() => void ask("people:admit", { person_ids: [person.id] })}
              >
                {t("lobby.letIn")}
              </Button>
              <Button
                size="s"
                aria-describedby={`knock-${person.id}`}
                onPress={() => void ask("person:deny", { person_id: person.id })}
              >
                {t("lobby.notNow")}
              </Button>
            </span>
            <span id={`knock-${person.id}`} hidden>
              {person.name}
            </span>
          </li>
        ))}
      </ul>
      {people.length > 1 ? (
        <Button size="s" onPress={() => void ask("people:admit", { person_ids: null })}>
          {t("lobby.all")}
        </Button>
      ) : null}
    </section>
  );
}
