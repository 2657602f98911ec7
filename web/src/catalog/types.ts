import type { NewPoc } from "../wire.gen";

export type Visibility = NonNullable<NewPoc["visibility"]>;
