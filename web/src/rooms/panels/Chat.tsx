/** The chat: to all or to one person, with code and links. */

import { useCallback, useEffect, useRef, useState, type ReactElement, type RefObject } from "react";
import { useTranslation } from "react-i18next";
import { formatShortTime } from "../../i18n/format";
import { Icon } from "../../kit/Icon";
import type { ChatMessage } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { isInside } from "../state";
import { ChatWords } from "./ChatWords";
import { Composer } from "./Composer";
import type { Ask } from "./useAsk";
import css from "./Chat.module.css";

const TYPING_SHOWN = 4;
const AT_THE_END = 60;

interface Pending {
  readonly key: number;
  readonly text: string;
  readonly to: string | null;
}

/** What a retro asks; the chat is where it is answered, and the summary keeps it. */
function Retro(): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <aside className={css.retro} aria-label={t("retro.title")}>
      <Icon name="notes" size={18} />
      <p>
        <strong>{t("retro.ask")}</strong> {t("retro.kept")}
      </p>
    </aside>
  );
}

export interface ChatProps {
  dojo: Dojo;
  ask: Ask;
  /** Set from outside (a person's menu): write to this person. */
  to: string | null;
  onTo: (id: string | null) => void;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function Chat({ dojo, ask, to, onTo, field }: ChatProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [pending, setPending] = useState<readonly Pending[]>([]);
  const last = useRef(0);
  const messages = dojo.state?.chat ?? [];
  const list = useFollowedList(messages.length + pending.length);
  const send = useCallback(
    async (text: string): Promise<boolean> => {
      last.current += 1;
      const key = last.current;
      setPending((now) => [...now, { key, text, to }]);
      const sent = await ask("chat:send", { text, to });
      setPending((now) => now.filter((one) => one.key !== key));
      return sent;
    },
    [ask, to],
  );
  const nameOf = (id: string): string => dojo.state?.people[id]?.name ?? t("chat.someone");
  return (
    <section className={css.chat} aria-label={t("chat.title")}>
      {dojo.state?.phase === "retro" ? <Retro /> : null}
      <div ref={list} className={css.list} role="log" aria-label={t("chat.messages")} tabIndex={0}>
        {messages.length + pending.length === 0 ? <p className={css.empty}>{t("chat.empty")}</p> : null}
        {messages.map((message, index) => (
          <OneMessage
            key={message.id}
            message={message}
            follows={messages[index - 1]}
            myId={dojo.myId}
            toName={message.to === null ? null : nameOf(message.to)}
          />
        ))}
        {pending.map((one) => (
          <div key={`p${one.key}`} className={css.message} data-pending>
            <ChatWords text={one.text} />
            <span className={css.when}>{t("chat.sending")}</span>
          </div>
        ))}
      </div>
      <Typing dojo={dojo} nameOf={nameOf} />
      <Composer dojo={dojo} people={recipients(dojo)} to={to} onTo={onTo} send={send} field={field} />
    </section>
  );
}

function recipients(dojo: Dojo): { id: string; name: string }[] {
  return Object.values(dojo.state?.people ?? {})
    .filter((person) => isInside(person) && person.id !== dojo.myId)
    .sort((a, b) => a.name.localeCompare(b.name));
}

interface MessageProps {
  message: ChatMessage;
  follows: ChatMessage | undefined;
  myId: string | null;
  toName: string | null;
}

const GATHERED_SECONDS = 120;

function OneMessage({ message, follows, myId, toName }: MessageProps): ReactElement {
  const { t } = useTranslation("rooms");
  const gathered =
    follows !== undefined &&
    follows.by === message.by &&
    follows.to === message.to &&
    message.at - follows.at < GATHERED_SECONDS;
  const at = new Date(message.at * 1000);
  return (
    <div className={css.message} data-mine={message.by === myId || undefined} data-private={toName !== null || undefined}>
      {gathered ? null : (
        <div className={css.head}>
          <span className={css.name}>{message.name}</span>
          {toName === null ? null : (
            <span className={css.private}>
              {message.to === myId ? t("chat.privateToYou") : t("chat.privateTo", { name: toName })}
            </span>
          )}
          <time className={css.when} dateTime={at.toISOString()}>
            {formatShortTime(at)}
          </time>
        </div>
      )}
      <ChatWords text={message.text} />
    </div>
  );
}

function Typing({ dojo, nameOf }: { dojo: Dojo; nameOf: (id: string) => string }): ReactElement {
  const { t } = useTranslation("rooms");
  const since = dojo.serverNow() - TYPING_SHOWN;
  const names = new Set(
    dojo.signals
      .filter((signal) => signal.kind === "typing" && signal.by !== dojo.myId && signal.at > since)
      .map((signal) => nameOf(signal.by)),
  );
  return (
    <p className={css.typing}>
      {names.size === 0 ? "" : t("chat.typing", { names: [...names].join(", "), count: names.size })}
    </p>
  );
}

/** Keeps the end in sight while it was in sight; someone who reads further up is left there. */
function useFollowedList(length: number): RefObject<HTMLDivElement | null> {
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const look = (): void => {
      follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < AT_THE_END;
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    const element = list.current;
    if (element !== null && follows.current) element.scrollTop = element.scrollHeight;
  }, [length]);
  return list;
}
