/** The dojo's files as tabs, with what one may do to them. */
import { useState, type ComponentProps, type ReactElement } from "react";
import { Tab, TabList, Tabs } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../kit/Button";
import { Dialog, DialogActions } from "../../kit/Dialog";
import { Menu } from "../../kit/Menu";
import type { DojoFile } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { FileNameDialog } from "./FileNameDialog";
import css from "./Editor.module.css";

export interface FileTabsProps {
  dojo: Dojo;
  files: readonly DojoFile[];
  current: DojoFile | null;
  mayAct: boolean;
  /** The id of what the open file is shown in. */
  panel: string;
  onOpen: (fileId: string) => void;
  /** A file of this name is on its way: it is to be opened when it is there. */
  onExpect: (name: string) => void;
  onNotice: (words: string) => void;
}

type Doing = "add" | "rename" | "remove" | null;

export function FileTabs(props: FileTabsProps): ReactElement {
  const { dojo, files, current, mayAct, panel, onOpen, onExpect, onNotice } = props;
  const { t } = useTranslation("rooms");
  const [doing, setDoing] = useState<Doing>(null);
  const close = (): void => setDoing(null);
  const ask = (asked: ReturnType<Dojo["command"]>): void => {
    close();
    void asked.then((ack) => {
      if (!ack.ok) onNotice(ack.problem.title);
    });
  };
  return (
    <div className={css.tabs}>
      <Tabs
        className={css.tabsBox ?? ""}
        {...(current === null ? {} : { selectedKey: current.id })}
        onSelectionChange={(key) => onOpen(String(key))}
      >
        <TabList aria-label={t("editor.files")} className={css.tabList ?? ""} items={files} dependencies={[files]}>
          {(file) => (
            <Tab
              id={file.id}
              className={css.tab ?? ""}
              // The panel is elsewhere, beside the words about saving and turns.
              render={(attributes) => (
                <div {...(attributes as ComponentProps<"div">)} aria-controls={attributes["aria-selected"] ? panel : undefined} />
              )}
            >
              {file.name}
            </Tab>
          )}
        </TabList>
      </Tabs>
      {mayAct ? <IconButton icon="plus" size="s" label={t("editor.add_file")} onPress={() => setDoing("add")} /> : null}
      {mayAct && current !== null ? (
        <Menu
          label={t("editor.file_menu", { file: current.name })}
          actions={[
            { id: "rename", label: t("editor.rename_file", { file: current.name }), icon: "edit", run: () => setDoing("rename") },
            {
              id: "remove",
              label: t("editor.remove_file", { file: current.name }),
              icon: "trash",
              danger: true,
              isDisabled: files.length < 2,
              run: () => setDoing("remove"),
            },
          ]}
        >
          <IconButton icon="more" size="s" label={t("editor.file_menu", { file: current.name })} />
        </Menu>
      ) : null}
      {doing === "add" || (doing === "rename" && current !== null) ? (
        <FileNameDialog
          files={files}
          renamed={doing === "rename" ? current : null}
          onClose={close}
          onName={(name) => {
            if (doing === "rename" && current !== null) return ask(dojo.command("file:rename", { file_id: current.id, name }));
            onExpect(name);
            ask(dojo.command("file:add", { name }));
          }}
        />
      ) : null}
      {current === null ? null : (
        <Dialog
          title={t("editor.remove_file", { file: current.name })}
          isOpen={doing === "remove"}
          onClose={close}
          role="alertdialog"
          size="s"
        >
          <p>{t("editor.remove_sure", { file: current.name })}</p>
          <DialogActions>
            <Button onPress={close}>{t("editor.cancel")}</Button>
            <Button variant="danger" onPress={() => ask(dojo.command("file:remove", { file_id: current.id }))}>
              {t("editor.remove_yes")}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </div>
  );
}
