import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from "react-aria-components";
import styles from "./Tabs.module.css";

export interface TabItem<T extends string> {
  id: T;
  label: ReactNode;
  content: ReactNode;
}

interface Props<T extends string> {
  label: string;
  selected: T;
  onSelect: (id: T) => void;
  tabs: readonly TabItem<T>[];
}

/** One panel at a time; the caller remembers which. Arrow keys move between the tabs. */
export function Tabs<T extends string>({ label, selected, onSelect, tabs }: Props<T>) {
  return (
    <AriaTabs
      selectedKey={selected}
      onSelectionChange={(key) => {
        onSelect(key as T);
      }}
      className={styles.tabs ?? ""}
    >
      <TabList aria-label={label} className={styles.list ?? ""}>
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className={styles.tab ?? ""}>
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className={styles.panel ?? ""}>
          {tab.content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
