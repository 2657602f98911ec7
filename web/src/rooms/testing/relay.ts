/** An editor endpoint for tests: a real WebSocket server that logs raw updates and never applies them. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocketServer, type WebSocket } from "ws";

/** Stores, acknowledges and relays as the contract says; `refuse` and `mute` make it misbehave. */
export class Relay {
  log: Uint8Array[] = [];
  numbers: number[] = [];
  /** Refuses numbered updates with this code. */
  refuse: string | null = null;
  /** Takes updates without storing or acknowledging them. */
  mute = false;
  /** Closes whoever comes with this code. */
  full: number | null = null;
  passes: (string | null)[] = [];
  private http: HttpServer = createServer();
  private server: WebSocketServer | null = null;
  private awareness = new Map<WebSocket, Uint8Array>();

  async start(port = 0): Promise<this> {
    this.http = createServer();
    this.server = new WebSocketServer({ server: this.http });
    this.server.on("connection", (socket, request) => {
      this.passes.push(new URL(request.url ?? "", "http://x").searchParams.get("pass"));
      if (this.full !== null) return socket.close(this.full);
      socket.on("message", (data: Buffer) => this.receive(socket, new Uint8Array(data)));
      socket.on("close", () => this.awareness.delete(socket));
      socket.send(message(0, 0, new Uint8Array([0])));
    });
    await new Promise<void>((resolve) => this.http.listen(port, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts everybody off, with a close code or without a word. */
  cut(code?: number): void {
    for (const socket of this.server?.clients ?? []) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.server?.close();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }

  private receive(socket: WebSocket, data: Uint8Array): void {
    const decoder = decoding.createDecoder(data);
    const kind = decoding.readVarUint(decoder);
    if (kind === 1) {
      this.awareness.set(socket, data);
      this.tellOthers(socket, data);
    } else if (kind === 3) {
      for (const [other, state] of this.awareness) if (other !== socket) socket.send(state);
    } else if (kind === 0 && decoding.readVarUint(decoder) === 0) {
      for (const update of this.log) socket.send(message(0, 2, update));
      socket.send(message(0, 1, new Uint8Array([0, 0])));
    } else if (kind === 100 && decoding.readVarUint(decoder) === 1) {
      this.take(socket, decoding.readVarUint(decoder), decoding.readVarUint8Array(decoder));
    }
  }

  private take(socket: WebSocket, number: number, update: Uint8Array): void {
    if (this.mute) return;
    if (this.refuse !== null) return socket.send(message(100, 3, number, this.refuse));
    this.log.push(update);
    this.numbers.push(number);
    this.tellOthers(socket, message(0, 2, update));
    socket.send(message(100, 2, number));
  }

  private tellOthers(socket: WebSocket, data: Uint8Array): void {
    for (const other of this.server?.clients ?? []) if (other !== socket) other.send(data);
  }
}

function message(...parts: (number | string | Uint8Array)[]): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const part of parts) {
    if (typeof part === "number") encoding.writeVarUint(encoder, part);
    else if (typeof part === "string") encoding.writeVarString(encoder, part);
    else encoding.writeVarUint8Array(encoder, part);
  }
  return encoding.toUint8Array(encoder);
}
