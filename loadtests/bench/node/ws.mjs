// A hand-written hub on bare `ws`, with no protocol but the frames of Socket.IO that the generator writes and reads.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { chatOf, signalOf } from "./shapes.mjs";

const [port] = process.argv.slice(2);
const http = createServer((_, response) => response.end("ready"));
const server = new WebSocketServer({ server: http });
const rooms = new Map();
let seq = 0;

function send(roomId, event, payload) {
  const packet = Buffer.from(`42${JSON.stringify([event, payload])}`);
  for (const socket of rooms.get(roomId) ?? []) socket.send(packet, { binary: false });
}

function take(socket, number, [event, payload]) {
  let data = null;
  if (event === "room:enter") {
    if (!rooms.has(payload.room_id)) rooms.set(payload.room_id, new Set());
    rooms.get(payload.room_id).add(socket);
    socket.on("close", () => rooms.get(payload.room_id).delete(socket));
    data = { status: "in" };
  } else if (event === "chat:send") {
    send(payload.room_id, "room:event", chatOf(payload, socket.by, ++seq));
    data = { seq };
  } else if (event === "signal:send") {
    send(payload.room_id, "room:signal", signalOf(payload, socket.by));
  }
  socket.send(`43${number}${JSON.stringify([{ ok: true, data }])}`);
}

server.on("connection", (socket) => {
  socket.send("0{}");
  socket.on("message", (message) => {
    const text = message.toString();
    if (text.startsWith("40")) {
      socket.by = JSON.parse(text.slice(2)).token;
      socket.send("40{}");
    } else if (text.startsWith("42")) {
      const start = text.indexOf("[");
      take(socket, text.slice(2, start), JSON.parse(text.slice(start)));
    }
  });
});
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
