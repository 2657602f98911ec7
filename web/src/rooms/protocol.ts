/**
 * The shapes of the room's Socket.IO conversation that are not models of one package:
 * acknowledgements, log entries, the answer to `room:enter`, and what a page may ask for.
 */
import type {
  AddFile,
  AdmitPeople,
  AskKeyboard,
  ChangeRole,
  CloseSession,
  ControlRotation,
  DenyPerson,
  ExtendTurn,
  Light,
  Person,
  ProblemBody,
  RemoveFile,
  RemovePerson,
  RenameFile,
  ReorderRotation,
  ReportLight,
  RoomEvent,
  RoomState,
  SendChat,
  SendSignal,
  SetAway,
  SetHand,
  SetPhase,
  SetSpeech,
  StartRotation,
} from "../wire.gen";
import type { Credentials } from "./credentials";
import type { Post } from "./largeCommands";

export type Colour = Light["colour"];
export type Language = RoomState["language"];

/** Every command of a dojo by its event name. */
export interface Commands {
  "chat:send": SendChat;
  "hand:set": SetHand;
  "away:set": SetAway;
  "people:admit": AdmitPeople;
  "person:deny": DenyPerson;
  "person:role": ChangeRole;
  "person:speech": SetSpeech;
  "person:remove": RemovePerson;
  "rotation:start": StartRotation;
  "rotation:control": ControlRotation;
  "rotation:extend": ExtendTurn;
  "rotation:reorder": ReorderRotation;
  "keyboard:ask": AskKeyboard;
  "light:report": ReportLight;
  "file:add": AddFile;
  "file:rename": RenameFile;
  "file:remove": RemoveFile;
  "phase:set": SetPhase;
  "session:close": CloseSession;
  "signal:send": SendSignal;
}
export type CommandName = keyof Commands;

/** A command without what the connection itself fills in. */
export type CommandPayload<N extends CommandName> = Omit<Commands[N], "room_id" | "op_id">;

/** The answer to an event: data, or the problem that a person can act on. It never throws. */
export type Ack<T = { seq: number }> = { ok: true; data: T } | { ok: false; problem: ProblemBody };

/** One numbered entry of the dojo's log; `payload` is null where it is hidden from this person. */
export interface Entry {
  room_id: string;
  epoch: number;
  seq: number;
  op_id: string | null;
  kind: RoomEvent["kind"] | "hidden";
  actor_id: string | null;
  at: number;
  payload: RoomEvent | null;
}

/** The answer to `room:enter`. */
export interface Entered {
  status: "waiting" | "in";
  snapshot: RoomState | null;
  events: Entry[];
  /** There are more: enter again with the number of the last one. */
  more?: boolean;
  server_time?: number;
}

/** A word that passes: a reaction or a typing mark. `id` is unique here; `at` is the server's clock. */
export interface Signal {
  id: number;
  kind: "reaction" | "typing";
  value: string;
  by: string;
  at: number;
}

/**
 * - `connecting`: the first time; nothing is known yet
 * - `waiting`: in the lobby     - `denied`: a host said no; `knock()` asks again
 * - `in`: here, and every event arrives     - `reconnecting`: the line is lost since `since`
 * - `expelled`: removed or banned by a host     - `ended`: the session is over, or signed out elsewhere
 * - `refused`: the server said no for good (`problem` says why)
 */
export type DojoStatus =
  | "connecting"
  | "waiting"
  | "denied"
  | "in"
  | "reconnecting"
  | "expelled"
  | "ended"
  | "refused";

/** What a page sees of a dojo; a new object on every change, so it can be compared by identity. */
export interface Dojo {
  roomId: string;
  status: DojoStatus;
  /** Since when (this machine's clock, unix seconds) the status is what it is. */
  since: number;
  /** The last known state; it stays while reconnecting and after the end. */
  state: RoomState | null;
  /** Who I am, also before I am in; null until the session is known. */
  myId: string | null;
  /** Me among the people, once in. */
  me: Person | null;
  /** Why refused, expelled ("removed" or "banned" in `code`), ended, or not let in yet ("too-many-windows"); null otherwise. */
  problem: ProblemBody | null;
  /** Recent reactions and typing marks, oldest first; they leave the list by themselves. */
  signals: readonly Signal[];
  /** Commands that wait for the line to come back. */
  queued: number;
  /** The newest entries as they arrived, oldest first (at most 50): for banners and live regions. */
  recent: readonly Entry[];
  /** Round trip of the last acknowledged event, in seconds; null before the first. */
  roundTrip: number | null;
  /** What people at other gateways do comes late, and passing words of theirs do not come at all. */
  isDegraded: boolean;
  /** The server's present, in unix seconds. */
  serverNow: () => number;
  /** Ask for something. While offline it waits and is sent with the same `op_id`; signals are dropped. */
  command: <N extends CommandName>(name: N, payload: CommandPayload<N>) => Promise<Ack>;
  /** Knock again after `denied`; try again after `refused`, `ended` or `expelled`, and at once while reconnecting. */
  knock: () => void;
  /** Leave for good and close the line. */
  leave: () => Promise<void>;
}

/** What a line to one dojo needs. */
export interface DojoOptions {
  roomId: string;
  credentials: Credentials;
  /** Base addresses of the gateways; none for the page's own origin. */
  gateways: () => Promise<readonly string[]>;
  /** Sends a command over HTTP that is too large for the socket. */
  post: Post;
  origin: string;
  device: "desktop" | "phone";
  /** Seconds to wait for an answer to an event. */
  patience?: number;
  /** Seconds between two looks at the lobby's door. */
  knockEvery?: number;
}
