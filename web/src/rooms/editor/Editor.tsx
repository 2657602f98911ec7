/** The code of the dojo: tabs, text with named cursors, and the words about saving and turns. */
import type { EditorView } from "@codemirror/view";
import { useCallback, useEffect, useId, useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import type { DojoFile } from "../../wire.gen";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import type { Runner } from "../run/useRunner";
import { mayAct } from "../state";
import { CodeArea } from "./CodeArea";
import { FileTabs } from "./FileTabs";
import { FILE_LIMIT } from "./limits";
import { RefusedNotice } from "./RefusedNotice";
import { FollowButton, SavedWords, whyNot, WhyLine } from "./StatusLine";
import { useFollow } from "./useFollow";
import { WipeNotice } from "./WipeNotice";
import css from "./Editor.module.css";

export interface EditorProps {
  dojo: Dojo;
  document: SharedDocument | null;
  /** Ctrl+Enter runs the tests with it; the caller shows its result and light. */
  runner: Runner;
  /** Called with words for a notice (a refused paste, a refused command). */
  onNotice?: (words: string) => void;
}

const NO_FILES: readonly DojoFile[] = [];
const silence = (): void => undefined;

export default function Editor({ dojo, document, runner, onNotice = silence }: EditorProps): ReactElement {
  const { t, i18n } = useTranslation("rooms");
  const panel = useId();
  const { state, myId } = dojo;
  const files = state?.files ?? NO_FILES;
  const { current, open, expect } = useOpenFile(files);
  const [view, setView] = useState<EditorView | null>(null);
  const driver = state?.rotation.driver ?? null;
  const followed = driver === myId ? null : driver;
  const follow = useFollow(document, followed, current?.id ?? null, view, open);
  const why = whyNot(dojo, document);
  const isReady = document !== null && document.status !== "connecting";
  const refuse = (how: "paste" | "typed"): void => {
    const limit = FILE_LIMIT.toLocaleString(i18n.language);
    onNotice(t(how === "paste" ? "editor.paste_too_large" : "editor.file_too_large", { limit }));
  };
  const choose = (fileId: string): void => {
    follow.set(false);
    open(fileId);
  };
  return (
    <div className={css.editor}>
      <div className={css.head}>
        <FileTabs
          dojo={dojo}
          files={files}
          current={current}
          mayAct={state !== null && mayAct(state, myId)}
          panel={panel}
          onOpen={choose}
          onExpect={expect}
          onNotice={onNotice}
        />
        <FollowButton name={(followed !== null && state?.people[followed]?.name) || null} follow={follow} />
        <SavedWords document={document} />
      </div>
      {document?.refused ? <RefusedNotice refused={document.refused} files={files} onDismiss={document.dismiss} /> : null}
      <WipeNotice dojo={dojo} document={document} files={files} />
      {why === null ? null : <WhyLine dojo={dojo} why={why} onNotice={onNotice} />}
      {!isReady || current === null ? (
        <p className={css.empty} id={panel}>{isReady ? t("editor.empty") : t("editor.loading")}</p>
      ) : (
        <CodeArea
          doc={document.doc}
          awareness={document.awareness}
          fileId={current.id}
          fileName={current.name}
          id={panel}
          label={t("editor.label", { file: current.name })}
          phrases={t("editor.phrases", { returnObjects: true })}
          isReadOnly={why !== null}
          onRun={() => void runner.run()}
          onRefused={refuse}
          onView={setView}
          onTouch={() => follow.set(false)}
        />
      )}
    </div>
  );
}

interface OpenFile {
  current: DojoFile | null;
  open: (fileId: string) => void;
  /** Opens the file of this name as soon as it is there. */
  expect: (name: string) => void;
}

/** Which file is shown: the chosen one while it is there, else the first. */
function useOpenFile(files: readonly DojoFile[]): OpenFile {
  const [chosen, setChosen] = useState<string | null>(null);
  const [expected, setExpected] = useState<string | null>(null);
  const arrived = expected === null ? undefined : files.find(({ name }) => name === expected);
  useEffect(() => {
    if (arrived === undefined) return;
    setChosen(arrived.id);
    setExpected(null);
  }, [arrived]);
  const open = useCallback((fileId: string) => setChosen(fileId), []);
  return { current: files.find(({ id }) => id === chosen) ?? files[0] ?? null, open, expect: setExpected };
}
