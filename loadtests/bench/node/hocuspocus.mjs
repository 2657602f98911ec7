// @hocuspocus/server as it comes; with a folder as the second argument, with its database extension on LevelDB.
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";
import { Level } from "level";

const [port, folder] = process.argv.slice(2);
const extensions = [];
if (folder) {
  const level = new Level(folder, { valueEncoding: "binary" });
  extensions.push(
    new Database({
      fetch: async ({ documentName }) => (await level.get(documentName).catch(() => null)) ?? null,
      store: async ({ documentName, state }) => level.put(documentName, state),
    }),
  );
}
const server = new Server({ port: Number(port), address: "127.0.0.1", quiet: true, stopOnSignals: false, extensions });
await server.listen();
console.log("ready");
