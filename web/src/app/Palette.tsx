import { useState } from "react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { Keys } from "../kit/Bits";
import { useAllCommands } from "../kit/commands";
import type { Command } from "../kit/commands";
import { Dialog } from "../kit/Dialog";
import { SearchField } from "../kit/Field";
import styles from "./Palette.module.css";

function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Commands whose label has every word that was typed, accents aside. */
export function findCommands(commands: readonly Command[], words: string): Command[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  return commands.filter(({ hidden, label }) => !hidden && wanted.every((word) => plain(label).includes(word)));
}

export function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("app");
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const found = findCommands(useAllCommands(), words);
  const chosen = found[Math.min(at, found.length - 1)];
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    // After the dialog gave the focus back, so that a command may move it.
    setTimeout(command.run);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setAt((found.indexOf(chosen as Command) + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(chosen);
    }
  };
  return (
    <Dialog title={t("palette.title")} isOpen onClose={onClose}>
      <SearchField
        label={t("palette.search")}
        placeholder={t("palette.search")}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen && `palette-${chosen.id}`}
        autoFocus
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette-list" role="listbox" aria-label={t("palette.title")} className={styles.list}>
        {found.map((command) => (
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the field above has the keys
          <div
            key={command.id}
            id={`palette-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={command === chosen}
            className={styles.item}
            onClick={() => {
              run(command);
            }}
          >
            <span>{command.label}</span>
            {command.keys && <Keys keys={command.keys} />}
          </div>
        ))}
      </div>
      <p role="status" className={styles.none}>
        {found.length === 0 && t("palette.none")}
      </p>
    </Dialog>
  );
}
