/** The line one writes in. Enter sends, Shift+Enter starts a new line; what was not sent stays. */

import { useRef, useState, type KeyboardEvent, type ReactElement, type RefObject } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../kit/Button";
import type { Dojo } from "../protocol";
import css from "./Chat.module.css";

const LONGEST = 4000;
const NEARLY_FULL = 3600;
const TYPING_EVERY_MS = 3_000;

export interface ComposerProps {
  dojo: Dojo;
  people: readonly { id: string; name: string }[];
  to: string | null;
  onTo: (id: string | null) => void;
  send: (text: string) => Promise<boolean>;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ dojo, people, to, onTo, send, field }: ComposerProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [text, setText] = useState("");
  const typedAt = useRef(0);
  const submit = async (): Promise<void> => {
    const words = text.trim();
    if (words === "") return;
    setText("");
    if (!(await send(words))) setText((now) => (now === "" ? words : `${words}\n${now}`));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void submit();
  };
  const onChange = (next: string): void => {
    setText(next);
    // a private message is nobody else's business, not even that it is written
    if (to !== null || next === "" || Date.now() - typedAt.current < TYPING_EVERY_MS) return;
    typedAt.current = Date.now();
    void dojo.command("signal:send", { kind: "typing", value: "" });
  };
  return (
    <form
      className={css.composer}
      data-private={to !== null || undefined}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label className={css.to}>
        {t("chat.to")}
        <select value={to ?? ""} onChange={(event) => onTo(event.target.value || null)}>
          <option value="">{t("chat.everyone")}</option>
          {people.map((person) => (
            <option key={person.id} value={person.id}>
              {t("chat.only", { name: person.name })}
            </option>
          ))}
        </select>
      </label>
      <div className={css.line}>
        <textarea
          ref={field}
          className={css.field}
          aria-label={t("chat.message")}
          placeholder={t("chat.placeholder")}
          rows={Math.min(6, Math.max(1, text.split("\n").length))}
          maxLength={LONGEST}
          value={text}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton type="submit" variant="primary" icon="send" label={t("chat.send")} isDisabled={text.trim() === ""} />
      </div>
      {text.length > NEARLY_FULL ? (
        <span className={css.when}>{t("chat.left", { count: LONGEST - text.length })}</span>
      ) : null}
    </form>
  );
}
