/** A button of the bottom bar: an icon with its word under it; on the phone the icon alone. */

import { useId, type ReactElement } from "react";
import { Button, ToggleButton } from "react-aria-components";
import { Icon, type IconName } from "../../kit/Icon";
import css from "./BottomBar.module.css";

interface Common {
  icon: IconName;
  /** The accessible name; it does not change with the state where tests and people look for it. */
  label: string;
  /** The visible word, where it says more than the name. */
  words?: string | undefined;
  isDisabled?: boolean;
  onPress?: () => void;
}

export interface BarButtonProps extends Common {
  isPrimary?: boolean;
  isLit?: boolean;
}

export function BarButton({ icon, label, words = label, isPrimary, isLit, isDisabled = false, onPress, ...rest }: BarButtonProps): ReactElement {
  return (
    <Button
      {...rest}
      className={css.button ?? ""}
      aria-label={nameOf(label, words)}
      isDisabled={isDisabled}
      onPress={() => onPress?.()}
      data-primary={isPrimary || undefined}
      data-lit={isLit || undefined}
    >
      <Icon name={icon} size={22} />
      <span className={css.word}>{words}</span>
    </Button>
  );
}

/** What can be read is part of the name, so that it can be said to the machine. */
const nameOf = (label: string, words: string): string => (words === label ? label : `${label}: ${words}`);

export interface BarToggleProps extends Common {
  isSelected: boolean;
  /** Why it does not work, for hover and readers. */
  hint?: string | undefined;
}

export function BarToggle({ icon, label, words = label, isSelected, isDisabled = false, hint, onPress }: BarToggleProps): ReactElement {
  const why = useId();
  return (
    <span className={css.toggle} title={hint}>
      <ToggleButton
        className={css.button ?? ""}
        aria-label={nameOf(label, words)}
        aria-describedby={hint === undefined ? undefined : why}
        isSelected={isSelected}
        isDisabled={isDisabled}
        onChange={() => onPress?.()}
        data-trouble={hint === undefined ? undefined : true}
      >
        <Icon name={icon} size={22} />
        <span className={css.word}>{words}</span>
      </ToggleButton>
      {hint === undefined ? null : (
        <span id={why} hidden>
          {hint}
        </span>
      )}
    </span>
  );
}
