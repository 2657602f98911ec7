// Generated from the doors by `dojo wire`; do not edit.

/** Accept: a new person says name and new password; one who has an account, its password. */
export interface AcceptInvitation {
  readonly word: string;
  readonly name?: string | null;
  readonly password: string;
}

/** Add an empty file. */
export interface AddFile {
  readonly room_id: string;
  readonly op_id: string;
  readonly name: string;
}

/** Let people in; without ids, everybody who waits. */
export interface AdmitPeople {
  readonly room_id: string;
  readonly op_id: string;
  readonly person_ids?: readonly (string)[] | null;
}

/** Ask the driver for the keyboard. */
export interface AskKeyboard {
  readonly room_id: string;
  readonly op_id: string;
}

/** They looked away from the page, or back. */
export interface AwayChanged {
  readonly kind: "away_changed";
  readonly person_id: string;
  readonly away: boolean;
}

/** Give someone another role. */
export interface ChangeRole {
  readonly room_id: string;
  readonly op_id: string;
  readonly person_id: string;
  readonly role: "host" | "cohost" | "participant" | "spectator";
}

/** A line of chat; ``to`` names the one person who also sees a private one. */
export interface ChatMessage {
  readonly id: string;
  readonly by: string;
  readonly name: string;
  readonly to: string | null;
  readonly text: string;
  readonly at: number;
}

/** Something was said in the chat. */
export interface ChatSent {
  readonly kind: "chat_sent";
  readonly message: ChatMessage;
}

/** Go on in another of your organisations. */
export interface ChooseTenant {
  readonly tenant_id: string;
}

/** End the session for everybody. */
export interface CloseSession {
  readonly room_id: string;
  readonly op_id: string;
}

/** Pause, resume, stop, skip to the next driver, or shuffle those who are not driving. */
export interface ControlRotation {
  readonly room_id: string;
  readonly op_id: string;
  readonly action: "pause" | "resume" | "stop" | "skip" | "shuffle";
}

/** Do not let someone in. */
export interface DenyPerson {
  readonly room_id: string;
  readonly op_id: string;
  readonly person_id: string;
}

/** One of the person's sign-ins, for the device list. */
export interface DeviceSignIn {
  readonly id: string;
  readonly created_at: string;
  readonly seen_at: string;
  readonly agent: string;
  readonly current: boolean;
}

/** A file of the session; its text is the ``Y.Text`` called ``id`` in the document. */
export interface DojoFile {
  readonly id: string;
  readonly name: string;
}

/** This gateway stops: go to another of ``gateways`` within ``wait_ms`` milliseconds. */
export interface Drain {
  readonly wait_ms: number;
  readonly gateways: readonly (string)[];
}

/** How long someone had the keyboard, in seconds. */
export interface DriverShare {
  readonly user_id: string;
  readonly name: string;
  readonly seconds: number;
  readonly turns: number;
}

/** How to open the shared document: a WebSocket at ``path`` on any gateway, with ``?pass=``. */
export interface EditorPass {
  readonly path: string;
  readonly word: string;
  readonly document_id: string;
  readonly may_write: boolean;
  readonly expires_at: number;
}

/** Come in, or knock; ``seq`` and ``epoch`` say what a returning client has. */
export interface EnterRoom {
  readonly room_id: string;
  readonly op_id: string;
  readonly device?: "desktop" | "phone";
  readonly epoch?: number | null;
  readonly seq?: number | null;
}

/** In the dojo, or waiting at its door. */
export interface Entered {
  readonly status: "waiting" | "in";
  readonly snapshot: RoomState | null;
  readonly events: readonly (RoomEntry)[];
  readonly more: boolean;
  readonly server_time: number;
}

/** You are out of this room, in every window; ``left``: you said so in one of them. */
export interface Expelled {
  readonly room_id: string;
  readonly reason: "removed" | "banned" | "left";
}

/** Make this turn longer, or shorter with a negative number. */
export interface ExtendTurn {
  readonly room_id: string;
  readonly op_id: string;
  readonly seconds: number;
}

/** A value and how many of the POCs found have it. */
export interface Facet {
  readonly value: string;
  readonly count: number;
}

/** There is a new, empty file. */
export interface FileAdded {
  readonly kind: "file_added";
  readonly file: DojoFile;
  readonly by: string;
}

/** A file is no longer part of the dojo; its text stays in the document's history. */
export interface FileRemoved {
  readonly kind: "file_removed";
  readonly file_id: string;
  readonly by: string;
}

/** A file has another name; its text stays. */
export interface FileRenamed {
  readonly kind: "file_renamed";
  readonly file: DojoFile;
  readonly by: string;
}

/** They raised or lowered their hand; hands are in the order of ``at``. */
export interface HandChanged {
  readonly kind: "hand_changed";
  readonly person_id: string;
  readonly raised: boolean;
  readonly at: number;
}

/** An invitation; its word is shown once, as the last part of the link ``/invitations/{word}``. */
export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: "owner" | "admin" | "host" | "member" | "guest";
  readonly expires_at: string;
  readonly word: string;
}

/** What someone with an invitation sees; asking changes nothing. */
export interface InvitationCard {
  readonly organisation: string;
  readonly email: string;
  readonly role: "owner" | "admin" | "host" | "member" | "guest";
  readonly has_account: boolean;
}

/** A kata: its text (Markdown) and starter files with tests, by language. */
export interface Kata {
  readonly slug: string;
  readonly title: string;
  readonly summary: string;
  readonly difficulty: number;
  readonly languages: readonly ("python" | "javascript")[];
  readonly text: string;
  readonly files: Readonly<Record<string, readonly (SourceFile)[]>>;
}

/** A line of the built-in library. */
export interface KataSummary {
  readonly slug: string;
  readonly title: string;
  readonly summary: string;
  readonly difficulty: number;
  readonly languages: readonly ("python" | "javascript")[];
}

/** They ask the driver for the keyboard. */
export interface KeyboardAsked {
  readonly kind: "keyboard_asked";
  readonly person_id: string;
}

/** Who may type: the holder, or everybody when there is none. Each move has a new epoch. */
export interface Lease {
  readonly epoch: number;
  readonly holder: string | null;
}

/** Leave for good (closing the page only loses the connection). */
export interface LeaveRoom {
  readonly room_id: string;
  readonly op_id: string;
}

/** One test run's outcome. The files that it ran are kept beside it (``LightFiles``). */
export interface Light {
  readonly id: string;
  readonly colour: "red" | "amber" | "green" | "timeout";
  readonly by: string;
  readonly at: number;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/** The files as they were at one light, and a pass that the catalogue trusts for where they come from. */
export interface LightFiles {
  readonly light_id: string;
  readonly colour: "red" | "amber" | "green" | "timeout";
  readonly at: number;
  readonly files: readonly (SourceFile)[];
  readonly provenance: string;
}

/** The tests ran. */
export interface LightReported {
  readonly kind: "light_reported";
  readonly light: Light;
}

/** To who waits: ask again to enter, or do not (``lobby:changed``). */
export interface LobbyChanged {
  readonly room_id: string;
  readonly outcome: "admitted" | "denied" | "closed";
}

/** The person who is signed in. */
export interface Me {
  readonly user_id: string;
  readonly name: string;
  readonly email: string | null;
  readonly tenant_id: string;
  readonly organisation: string;
  readonly role: "owner" | "admin" | "host" | "member" | "guest";
  readonly scopes: readonly (string)[];
  readonly bound_to: string | null;
  readonly memberships: readonly (Membership)[];
}

/** How to reach the dojo's LiveKit room; ask again before it expires. */
export interface MediaToken {
  readonly url: string;
  readonly token: string;
  readonly expires_at: number;
}

/** An organisation that a person belongs to. */
export interface Membership {
  readonly tenant_id: string;
  readonly organisation: string;
  readonly role: "owner" | "admin" | "host" | "member" | "guest";
}

/** A name and the pass that ``GET /api/links/{code}`` gave. */
export interface NewGuest {
  readonly guest_pass: string;
  readonly name: string;
}

/** Invite someone into the organisation. */
export interface NewInvitation {
  readonly email: string;
  readonly role?: "admin" | "host" | "member";
}

/** A POC to store. With ``provenance`` (from ``GET …/lights/{id}``) its origin and authors are the dojo's. */
export interface NewPoc {
  readonly name: string;
  readonly description?: string;
  readonly languages?: readonly (string)[];
  readonly tags?: readonly (string)[];
  readonly files: readonly (PocFile)[];
  readonly visibility?: "private" | "tenant";
  readonly provenance?: string | null;
}

/** What a host says to create a dojo. Without a name it takes the kata's title and the date. */
export interface NewRoom {
  readonly name?: string | null;
  readonly kata: string;
  readonly language?: "python" | "javascript";
  readonly turn_seconds?: number;
  readonly access?: "link" | "signed-in" | "members";
  readonly capacity?: number;
  readonly starts_at?: string | null;
}

/** While ``is_degraded``, what happens at other gateways comes here seconds late; nothing is lost. */
export interface NodeStatus {
  readonly is_degraded: boolean;
}

/** There is nothing to say. */
export interface Nothing {
}

/** Done: ``seq`` is the number of the last event that it made, or where the dojo stands if it made none. */
export interface Numbered {
  readonly seq: number;
}

/** The dojo light that a POC was kept from, as rooms vouched for it. */
export interface Origin {
  readonly room_id: string;
  readonly session_id: string;
  readonly light_id: string;
  readonly dojo: string;
  readonly kata: string;
  readonly colour: string;
}

/** Someone who was in a dojo (the seed contract's row). */
export interface Participant {
  readonly room_id: string;
  readonly identity: string;
  readonly name: string;
  readonly role: "host" | "cohost" | "participant" | "spectator";
  readonly joined_at: string;
  readonly is_connected: boolean;
}

/** Someone in the dojo, or waiting for it. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly guest: boolean;
  readonly role: "host" | "cohost" | "participant" | "spectator";
  readonly presence: "waiting" | "here" | "away" | "reconnecting" | "gone";
  readonly device: "desktop" | "phone";
  readonly joined_at: number;
  readonly hand_at: number | null;
  readonly may_speak: boolean;
  readonly lost_until: number | null;
}

/** A host let them in; a seat is kept for them until ``until``. */
export interface PersonAdmitted {
  readonly kind: "person_admitted";
  readonly person_id: string;
  readonly by: string;
  readonly until: number;
}

/** A host did not let them in; they may knock again. */
export interface PersonDenied {
  readonly kind: "person_denied";
  readonly person_id: string;
  readonly by: string;
}

/** They are here: for the first time, or back. */
export interface PersonEntered {
  readonly kind: "person_entered";
  readonly person_id: string;
  readonly name: string;
  readonly guest: boolean;
  readonly role: "host" | "cohost" | "participant" | "spectator";
  readonly device: "desktop" | "phone";
  readonly at: number;
}

/** Someone waits in the lobby. */
export interface PersonKnocked {
  readonly kind: "person_knocked";
  readonly person_id: string;
  readonly name: string;
  readonly guest: boolean;
  readonly device: "desktop" | "phone";
  readonly at: number;
}

/** They left, or did not come back in time. */
export interface PersonLeft {
  readonly kind: "person_left";
  readonly person_id: string;
  readonly at: number;
}

/** Their last connection broke; the seat is kept until ``until``. */
export interface PersonLost {
  readonly kind: "person_lost";
  readonly person_id: string;
  readonly until: number;
}

/** A host removed them; with ``banned`` they cannot come back to this dojo. */
export interface PersonRemoved {
  readonly kind: "person_removed";
  readonly person_id: string;
  readonly by: string;
  readonly banned: boolean;
  readonly at: number;
}

/** Another phase began; a break pauses the rotation and keeps the room. */
export interface PhaseChanged {
  readonly kind: "phase_changed";
  readonly phase: "code" | "break" | "retro";
  readonly at: number;
}

/** A POC, whole. */
export interface Poc {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly languages: readonly (string)[];
  readonly tags: readonly (string)[];
  readonly authors: readonly (string)[];
  readonly owner_id: string;
  readonly visibility: "private" | "tenant";
  readonly favourite: boolean;
  readonly created_at: string;
  readonly revision: number;
  readonly files: readonly (PocFile)[];
  readonly origin: Origin | null;
}

/** What the owner changes; what is absent stays. ``revision`` is the one they saw. */
export interface PocChange {
  readonly revision: number;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly languages?: readonly (string)[] | null;
  readonly tags?: readonly (string)[] | null;
  readonly visibility?: "private" | "tenant" | null;
}

/** A file of a POC. */
export interface PocFile {
  readonly name: string;
  readonly text: string;
}

/** POCs found, best first (newest first without words), with facets over all found. */
export interface PocPage {
  readonly items: readonly (PocSummary)[];
  readonly total: number;
  readonly languages: readonly (Facet)[];
  readonly tags: readonly (Facet)[];
  readonly cursor: string | null;
}

/** What to find: words anywhere, a language, tags (all of them), only favourites or own. */
export interface PocQuery {
  readonly q?: string;
  readonly language?: string | null;
  readonly tag?: readonly (string)[];
  readonly only?: "all" | "favourites" | "mine";
  readonly cursor?: string | null;
  readonly limit?: number;
}

/** A POC in a list. */
export interface PocSummary {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly languages: readonly (string)[];
  readonly tags: readonly (string)[];
  readonly authors: readonly (string)[];
  readonly owner_id: string;
  readonly visibility: "private" | "tenant";
  readonly favourite: boolean;
  readonly created_at: string;
  readonly revision: number;
}

/** RFC 9457 problem details, the same over HTTP and in Socket.IO acknowledgements. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retry_after: number | null;
  readonly errors: readonly (Readonly<Record<string, string>>)[];
}

/** The JWK Set (RFC 7517) that access tokens are verified with. */
export interface PublicKeys {
  readonly keys: readonly (Readonly<Record<string, unknown>>)[];
}

/** Take a file out of the dojo. */
export interface RemoveFile {
  readonly room_id: string;
  readonly op_id: string;
  readonly file_id: string;
}

/** Remove someone; ``ban`` keeps them out of this dojo. */
export interface RemovePerson {
  readonly room_id: string;
  readonly op_id: string;
  readonly person_id: string;
  readonly ban?: boolean;
}

/** Give a file another name. */
export interface RenameFile {
  readonly room_id: string;
  readonly op_id: string;
  readonly file_id: string;
  readonly name: string;
}

/** A new access token of the same sign-in. */
export interface RenewSession {
  readonly token: string;
}

/** Set the order of driving; the present turn stays. */
export interface ReorderRotation {
  readonly room_id: string;
  readonly op_id: string;
  readonly order: readonly (string)[];
}

/** Say how a test run ended, with the files that it ran. */
export interface ReportLight {
  readonly room_id: string;
  readonly op_id: string;
  readonly light_id: string;
  readonly colour: "red" | "amber" | "green" | "timeout";
  readonly seconds: number;
  readonly passed?: number;
  readonly failed?: number;
  readonly output?: string;
  readonly files: readonly (SourceFile)[];
}

/** They have another role: a host gave it, or ``by`` was the last host and left. */
export interface RoleChanged {
  readonly kind: "role_changed";
  readonly person_id: string;
  readonly role: "host" | "cohost" | "participant" | "spectator";
  readonly by: string;
}

/** A dojo: a persistent room that is held as sessions, one at a time. */
export interface Room {
  readonly id: string;
  readonly name: string;
  readonly code: string;
  readonly kata: string;
  readonly language: "python" | "javascript";
  readonly turn_seconds: number;
  readonly access: "link" | "signed-in" | "members";
  readonly capacity: number;
  readonly owner_id: string;
  readonly created_at: string;
  readonly starts_at: string | null;
  readonly is_active: boolean;
  readonly session_id: string | null;
}

/** What a host changes of a dojo's plan; what is absent stays. */
export interface RoomChange {
  readonly name?: string | null;
  readonly turn_seconds?: number | null;
  readonly access?: "link" | "signed-in" | "members" | null;
  readonly capacity?: number | null;
  readonly starts_at?: string | null;
}

/** One numbered event as people in the dojo get it (``room:event``). */
export interface RoomEntry {
  readonly room_id: string;
  readonly epoch: number;
  readonly seq: number;
  readonly op_id: string;
  readonly kind: string;
  readonly actor_id: string;
  readonly at: number;
  readonly payload: RoomEvent | null;
}

export type RoomEvent = SessionOpened | SessionClosed | PersonKnocked | PersonAdmitted | PersonDenied | PersonEntered | PersonLost | PersonLeft | PersonRemoved | AwayChanged | RoleChanged | HandChanged | SpeechChanged | ChatSent | RotationOrdered | TurnStarted | RotationPaused | RotationResumed | TurnExtended | RotationStopped | KeyboardAsked | LightReported | FileAdded | FileRenamed | FileRemoved | PhaseChanged | SettingsChanged;

/** What someone with the link sees before they are in. */
export interface RoomLink {
  readonly room_id: string;
  readonly name: string;
  readonly organisation: string;
  readonly kata: string;
  readonly language: "python" | "javascript";
  readonly access: "link" | "signed-in" | "members";
  readonly is_active: boolean;
  readonly guest_pass: string | null;
}

/** Dojos, newest first. */
export interface RoomPage {
  readonly items: readonly (Room)[];
  readonly cursor: string | null;
}

/** Which dojos to list. */
export interface RoomQuery {
  readonly state?: "open" | "planned" | "ended" | "all";
  readonly cursor?: string | null;
  readonly limit?: number;
}

/** A word that passes and is not kept (``room:signal``). */
export interface RoomSignal {
  readonly room_id: string;
  readonly kind: string;
  readonly value: string;
  readonly by: string;
}

/** Everything that a person in the dojo sees of it, but the text and the media. */
export interface RoomState {
  readonly room_id: string;
  readonly epoch: number;
  readonly seq: number;
  readonly is_open: boolean;
  readonly session_id: string | null;
  readonly document_id: string | null;
  readonly owner_id: string | null;
  readonly name: string;
  readonly kata: string;
  readonly language: "python" | "javascript";
  readonly access: "link" | "signed-in" | "members";
  readonly capacity: number;
  readonly opened_at: number | null;
  readonly opened_seq: number;
  readonly phase: "code" | "break" | "retro";
  readonly people: Readonly<Record<string, Person>>;
  readonly banned: readonly (string)[];
  readonly rotation: Rotation;
  readonly lease: Lease;
  readonly files: readonly (DojoFile)[];
  readonly lights: readonly (Light)[];
  readonly chat: readonly (ChatMessage)[];
  readonly keyboard_asked: readonly (string)[];
  readonly empty_since: number | null;
}

/** Who drives, who is next, and the turn's clock. */
export interface Rotation {
  readonly status: "idle" | "running" | "paused";
  readonly order: readonly (string)[];
  readonly turn: number;
  readonly turn_seconds: number;
  readonly driver: string | null;
  readonly navigator: string | null;
  readonly ends_at: number | null;
  readonly remaining: number | null;
}

/** The order of driving is now this; it names only people in the dojo. */
export interface RotationOrdered {
  readonly kind: "rotation_ordered";
  readonly order: readonly (string)[];
}

/** The turn's clock stands; the driver keeps the keyboard. */
export interface RotationPaused {
  readonly kind: "rotation_paused";
  readonly remaining: number;
  readonly by: string | null;
}

/** The turn's clock goes on. */
export interface RotationResumed {
  readonly kind: "rotation_resumed";
  readonly ends_at: number;
}

/** Everybody may type again. */
export interface RotationStopped {
  readonly kind: "rotation_stopped";
  readonly lease_epoch: number;
  readonly reason: "host" | "nobody-here";
}

/** Say something to all, or to one. */
export interface SendChat {
  readonly room_id: string;
  readonly op_id: string;
  readonly text: string;
  readonly to?: string | null;
}

/** A word that passes and is not kept: a reaction, a typing mark. It may be lost. */
export interface SendSignal {
  readonly room_id: string;
  readonly kind: "reaction" | "typing";
  readonly value?: string;
}

/** One holding of a dojo. */
export interface Session {
  readonly id: string;
  readonly room_id: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly end_reason: string | null;
}

/** The session is over; ``reason`` is ``host`` or ``empty``. */
export interface SessionClosed {
  readonly kind: "session_closed";
  readonly session_id: string;
  readonly reason: "host" | "empty";
  readonly at: number;
}

/** The dojo is being held: everything but the people in it starts anew. */
export interface SessionOpened {
  readonly kind: "session_opened";
  readonly session_id: string;
  readonly document_id: string;
  readonly by: string;
  readonly owner_id: string;
  readonly name: string;
  readonly kata: string;
  readonly language: "python" | "javascript";
  readonly access: "link" | "signed-in" | "members";
  readonly capacity: number;
  readonly turn_seconds: number;
  readonly files: readonly (DojoFile)[];
  readonly at: number;
}

/** What happened in a session, for its summary page. */
export interface SessionSummary {
  readonly session_id: string;
  readonly room_id: string;
  readonly name: string;
  readonly kata: string;
  readonly language: "python" | "javascript";
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly people: readonly (string)[];
  readonly drivers: readonly (DriverShare)[];
  readonly timeline: readonly (TimelineEntry)[];
  readonly lights: number;
  readonly greens: number;
  readonly messages: number;
}

/** Say whether the page is being looked at. */
export interface SetAway {
  readonly room_id: string;
  readonly op_id: string;
  readonly away: boolean;
}

/** Raise or lower the own hand; a host may lower another's. */
export interface SetHand {
  readonly room_id: string;
  readonly op_id: string;
  readonly raised: boolean;
  readonly person_id?: string | null;
}

/** Go to another phase. */
export interface SetPhase {
  readonly room_id: string;
  readonly op_id: string;
  readonly phase: "code" | "break" | "retro";
}

/** Take away, or give back, someone's right to be heard. */
export interface SetSpeech {
  readonly room_id: string;
  readonly op_id: string;
  readonly person_id: string;
  readonly may_speak: boolean;
}

/** The plan was changed while the dojo is held; a new turn length counts from the next turn. */
export interface SettingsChanged {
  readonly kind: "settings_changed";
  readonly name: string;
  readonly access: "link" | "signed-in" | "members";
  readonly capacity: number;
  readonly turn_seconds: number;
}

/** An e-mail and password; ``tenant_id`` chooses among several organisations. */
export interface SignIn {
  readonly email: string;
  readonly password: string;
  readonly tenant_id?: string | null;
}

/** A new organisation and its owner. */
export interface SignUp {
  readonly organisation: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** An access token for the ``Authorization: Bearer`` header and the Socket.IO ``auth`` payload. */
export interface SignedIn {
  readonly access_token: string;
  readonly expires_at: number;
  readonly me: Me;
}

/** A file's name and text. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A host took away, or gave back, the right to be heard. */
export interface SpeechChanged {
  readonly kind: "speech_changed";
  readonly person_id: string;
  readonly may_speak: boolean;
  readonly by: string;
}

/** Start the clock; without an order, all participants who are here, by arrival. */
export interface StartRotation {
  readonly room_id: string;
  readonly op_id: string;
  readonly order?: readonly (string)[] | null;
  readonly turn_seconds?: number | null;
}

/** One thing that happened, for the session's time line. */
export interface TimelineEntry {
  readonly at: number;
  readonly kind: "opened" | "ended" | "entered" | "left" | "turn" | "light" | "chat" | "phase";
  readonly person: string | null;
  readonly text: string;
  readonly light_id: string | null;
  readonly colour: "red" | "amber" | "green" | "timeout" | null;
}

/** The turn is longer now. */
export interface TurnExtended {
  readonly kind: "turn_extended";
  readonly ends_at: number | null;
  readonly remaining: number | null;
}

/** The keyboard moved: driver, navigator and write lease in one step. ``turn`` counts from 1. */
export interface TurnStarted {
  readonly kind: "turn_started";
  readonly turn: number;
  readonly driver: string;
  readonly navigator: string | null;
  readonly lease_epoch: number;
  readonly ends_at: number;
  readonly turn_seconds: number;
  readonly reason: "start" | "bell" | "skip" | "absent";
  readonly skipped: readonly (string)[];
}

export interface SocketCommands {
  "room:enter": { payload: EnterRoom; result: Entered };
  "room:leave": { payload: LeaveRoom; result: Numbered };
  "chat:send": { payload: SendChat; result: Numbered };
  "hand:set": { payload: SetHand; result: Numbered };
  "away:set": { payload: SetAway; result: Numbered };
  "people:admit": { payload: AdmitPeople; result: Numbered };
  "person:deny": { payload: DenyPerson; result: Numbered };
  "person:role": { payload: ChangeRole; result: Numbered };
  "person:speech": { payload: SetSpeech; result: Numbered };
  "person:remove": { payload: RemovePerson; result: Numbered };
  "rotation:start": { payload: StartRotation; result: Numbered };
  "rotation:control": { payload: ControlRotation; result: Numbered };
  "rotation:extend": { payload: ExtendTurn; result: Numbered };
  "rotation:reorder": { payload: ReorderRotation; result: Numbered };
  "keyboard:ask": { payload: AskKeyboard; result: Numbered };
  "light:report": { payload: ReportLight; result: Numbered };
  "file:add": { payload: AddFile; result: Numbered };
  "file:rename": { payload: RenameFile; result: Numbered };
  "file:remove": { payload: RemoveFile; result: Numbered };
  "phase:set": { payload: SetPhase; result: Numbered };
  "session:close": { payload: CloseSession; result: Numbered };
  "signal:send": { payload: SendSignal; result: null };
  "session:renew": { payload: RenewSession; result: null };
}

export interface ServerEvents {
  "room:event": RoomEntry;
  "room:signal": RoomSignal;
  "lobby:changed": LobbyChanged;
  "node:drain": Drain;
  "node:status": NodeStatus;
  "session:ended": Nothing;
  "room:expelled": Expelled;
}
