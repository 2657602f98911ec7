// @y/websocket-server as it comes; with a folder as the second argument, with LevelDB behind it.
import { createServer } from "node:http";
import { setPersistence, setupWSConnection } from "@y/websocket-server/utils";
import { WebSocketServer } from "ws";
import * as Y from "yjs";

const [port, folder] = process.argv.slice(2);
if (folder) {
  const { LeveldbPersistence } = await import("y-leveldb");
  const level = new LeveldbPersistence(folder);
  setPersistence({
    provider: level,
    bindState: async (name, document) => {
      const stored = await level.getYDoc(name);
      document.on("update", (update) => level.storeUpdate(name, update));
      Y.applyUpdate(document, Y.encodeStateAsUpdate(stored));
    },
    writeState: async () => {},
  });
}
const http = createServer((_, response) => response.end("ready"));
const server = new WebSocketServer({ server: http });
server.on("connection", (socket, request) => setupWSConnection(socket, request));
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
