import type { ReactElement } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Icon } from "./Icon";
import type { IconName } from "./Icon";
import styles from "./Menu.module.css";

export interface MenuAction {
  id: string;
  label: string;
  icon?: IconName;
  /** Shown apart, in the colour of danger. */
  danger?: boolean;
  isDisabled?: boolean;
  run: () => void;
}

interface Props {
  /** What the list is of, for readers. */
  label: string;
  actions: readonly MenuAction[];
  /** The button that opens it: a Button or IconButton. */
  children: ReactElement;
  /** For a menu that is fetched by the press that opens it. */
  startsOpen?: boolean;
}

export function Menu({ label, actions, children, startsOpen = false }: Props) {
  return (
    <MenuTrigger defaultOpen={startsOpen}>
      {children}
      <Popover className={styles.popover ?? ""} placement="bottom end">
        <AriaMenu aria-label={label} className={styles.menu ?? ""}>
          {actions.map((action) => (
            <MenuItem
              key={action.id}
              id={action.id}
              textValue={action.label}
              isDisabled={action.isDisabled ?? false}
              onAction={action.run}
              className={`${styles.item ?? ""} ${action.danger ? (styles.danger ?? "") : ""}`}
            >
              {action.icon && <Icon name={action.icon} size={18} />}
              {action.label}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
