import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Choice, Select } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { TextField } from "../../kit/TextField";
import type { NewRoom } from "../../wire.gen";
import styles from "./Start.module.css";

type Access = NonNullable<NewRoom["access"]>;

export interface Choices {
  name: string;
  access: Access;
  /** Local date and time, as the field gives it; null: now. */
  startsAt: string | null;
}

interface Props {
  choices: Choices;
  organisation: string;
  onChange: (choices: Choices) => void;
}

function soon(): string {
  const hour = new Date(Date.now() + 3_600_000);
  hour.setMinutes(0, 0, 0);
  return new Date(hour.getTime() - hour.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What most dojos leave as it is. */
export function MoreChoices({ choices, organisation, onChange }: Props) {
  const { t } = useTranslation("dojos");
  const id = useId();
  const accesses = ["link", "signed-in", "members"] as const;
  return (
    <details className={styles.more}>
      <summary>
        {t("start.more")}
        <Icon name="chevronDown" />
      </summary>
      <div className={styles.moreGrid}>
        <TextField
          label={t("start.name")}
          hint={t("start.nameHint")}
          maxLength={80}
          value={choices.name}
          onChange={(name) => onChange({ ...choices, name })}
        />
        <Select<Access>
          label={t("start.access")}
          value={choices.access}
          onChange={(access) => onChange({ ...choices, access })}
          options={accesses.map((value) => ({ value, label: t(`start.${value}`, { organisation }) }))}
        />
        <Choice
          label={t("start.when")}
          name="when"
          value={choices.startsAt === null ? "now" : "later"}
          onChange={(when) => onChange({ ...choices, startsAt: when === "now" ? null : soon() })}
          options={[
            { value: "now", label: t("start.now") },
            { value: "later", label: t("start.later") },
          ]}
        />
        {choices.startsAt !== null && (
          <div className={styles.startsAt}>
            <label htmlFor={id}>{t("start.startsAt")}</label>
            <input
              id={id}
              type="datetime-local"
              required
              value={choices.startsAt}
              onChange={(event) => onChange({ ...choices, startsAt: event.target.value })}
            />
          </div>
        )}
      </div>
    </details>
  );
}
