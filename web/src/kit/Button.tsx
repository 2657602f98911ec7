import { Button as AriaButton, ToggleButton as AriaToggle } from "react-aria-components";
import type { ButtonProps as AriaButtonProps, ToggleButtonProps } from "react-aria-components";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { LinkProps } from "react-router";
import styles from "./Button.module.css";
import { Icon } from "./Icon";
import type { IconName } from "./Icon";

interface Look {
  variant?: "primary" | "secondary" | "quiet" | "danger";
  size?: "s" | "m" | "l";
  icon?: IconName;
  /** Fills the width of what holds it. */
  wide?: boolean;
}

function classes({ variant = "secondary", size = "m", wide = false }: Look): string {
  return [styles.button, styles[variant], styles[size], wide ? styles.wide : ""].join(" ");
}

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children">, Look {
  children: ReactNode;
}

/** `isPending` keeps the width, shows a spinner and takes no more presses. */
export function Button({ variant, size, icon, wide, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={classes({ variant, size, wide } as Look)}>
      {icon && <Icon name={icon} />}
      {children}
      {rest.isPending && <span className={styles.spinner} aria-hidden="true" />}
    </AriaButton>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children" | "aria-label"> {
  icon: IconName;
  /** The name: read aloud, and shown on hover and focus. */
  label: string;
  variant?: Look["variant"];
  size?: "s" | "m";
}

export function IconButton({ icon, label, variant = "quiet", size = "m", ...rest }: IconButtonProps) {
  const look = `${classes({ variant, size })} ${styles.icon ?? ""}`;
  return (
    <AriaButton {...rest} className={look} aria-label={label} data-tip={label}>
      <Icon name={icon} />
    </AriaButton>
  );
}

export interface ToggleIconButtonProps extends Omit<ToggleButtonProps, "className" | "style" | "children" | "aria-label"> {
  icon: IconName;
  iconOn?: IconName;
  /** Does not change with the state: `aria-pressed` says it. */
  label: string;
}

export function ToggleIconButton({ icon, iconOn = icon, label, ...rest }: ToggleIconButtonProps) {
  return (
    <AriaToggle {...rest} className={`${classes({ variant: "quiet" })} ${styles.icon ?? ""}`} aria-label={label} data-tip={label}>
      {({ isSelected }) => <Icon name={isSelected ? iconOn : icon} filled={isSelected} />}
    </AriaToggle>
  );
}

/** A link that looks like a button: it goes somewhere, a Button does something. */
export function ButtonLink({ variant, size, icon, wide, children, ...rest }: Omit<LinkProps, "className" | "style"> & Look) {
  return (
    <Link {...rest} className={classes({ variant, size, wide } as Look)}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
