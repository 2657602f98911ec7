import { useId } from "react";
import type { ComponentProps, ReactNode } from "react";
import styles from "./Field.module.css";
import { Icon } from "./Icon";

export { TextField } from "./TextField";

export interface Option<T extends string> {
  value: T;
  label: string;
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  hint?: string;
  /** Keeps the label for readers only. */
  hideLabel?: boolean;
  isDisabled?: boolean;
}

/** The platform's own list: it is right on every phone, with every keyboard and every reader. */
export function Select<T extends string>({ label, value, options, onChange, hint, hideLabel, isDisabled }: SelectProps<T>) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <span className={styles.selectBox}>
        <select
          id={id}
          className={`${styles.input ?? ""} ${styles.select ?? ""}`}
          value={value}
          disabled={isDisabled}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onChange={(event) => {
            onChange(event.target.value as T);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevronDown" size={18} />
      </span>
      {hint && (
        <span id={`${id}-hint`} className={styles.hint}>
          {hint}
        </span>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  name: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
}

/** A few options side by side: native radio buttons that look like one control. */
export function Choice<T extends string>({ label, name, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset className={styles.field}>
      <legend className={styles.label}>{label}</legend>
      <div className={styles.choice}>
        {options.map((option) => (
          <label key={option.value} className={styles.option}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => {
                onChange(option.value);
              }}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function SearchField({ label, ...rest }: { label: string } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className={styles.search}>
      <Icon name="search" />
      <label htmlFor={id} className="visually-hidden">
        {label}
      </label>
      <input id={id} type="search" autoComplete="off" enterKeyHint="search" spellCheck={false} {...rest} className={styles.input} />
    </div>
  );
}

/** What a form as a whole was refused for. */
export function FormError({ children }: { children: ReactNode }) {
  return (
    <div role="alert" className={styles.formError}>
      {children && (
        <p>
          <Icon name="alert" />
          <span>{children}</span>
        </p>
      )}
    </div>
  );
}
