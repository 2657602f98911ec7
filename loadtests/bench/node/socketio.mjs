// socket.io with its Redis adapter, doing what the gateway does: join a room, send to everybody in it, acknowledge.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { chatOf, signalOf } from "./shapes.mjs";

const [port, redisUrl] = process.argv.slice(2);
const publisher = createClient({ url: redisUrl });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer((_, response) => response.end("ready"));
const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });
let seq = 0;
io.on("connection", (socket) => {
  const by = socket.handshake.auth.token;
  socket.on("room:enter", async (payload, acknowledge) => {
    await socket.join(payload.room_id);
    acknowledge({ ok: true, data: { status: "in" } });
  });
  socket.on("chat:send", (payload, acknowledge) => {
    io.to(payload.room_id).emit("room:event", chatOf(payload, by, ++seq));
    acknowledge({ ok: true, data: { seq } });
  });
  socket.on("signal:send", (payload, acknowledge) => {
    io.to(payload.room_id).emit("room:signal", signalOf(payload, by));
    acknowledge({ ok: true, data: null });
  });
});
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
