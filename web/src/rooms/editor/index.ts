/** The editor, loaded when a room needs it: `<Suspense><Editor …/></Suspense>`. */
import { lazy } from "react";

export type { EditorProps } from "./Editor";
export const Editor = lazy(() => import("./Editor"));
