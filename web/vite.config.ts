import { createReadStream, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const PYODIDE_FILES: Record<string, string> = {
  "pyodide.mjs": "text/javascript",
  "pyodide.asm.mjs": "text/javascript",
  "pyodide.asm.wasm": "application/wasm",
  "python_stdlib.zip": "application/zip",
  "pyodide-lock.json": "application/json",
};

/** Serves Pyodide's runtime from our own origin, at `/pyodide/`, in the build and in development. */
function pyodideRuntime(): Plugin {
  const folder = dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
  return {
    name: "pyodide-runtime",
    configureServer(server) {
      server.middlewares.use("/pyodide", (request, response, next) => {
        const name = (request.url ?? "").slice(1).split("?")[0] ?? "";
        const type = PYODIDE_FILES[name];
        if (type === undefined) return next();
        response.setHeader("Content-Type", type);
        createReadStream(join(folder, name)).pipe(response);
      });
    },
    generateBundle() {
      for (const name of Object.keys(PYODIDE_FILES)) {
        this.emitFile({ type: "asset", fileName: `pyodide/${name}`, source: readFileSync(join(folder, name)) });
      }
    },
  };
}

const COMPRESSED = /\.(js|mjs|css|html|svg|json|wasm|webmanifest)$/;
const SMALL = 1024;
const HUGE = 1_000_000;

/** Puts `.br` and `.gz` next to every text file of the build: the server sends them as they are. */
function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    writeBundle({ dir = "dist" }) {
      for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !COMPRESSED.test(path)) continue;
        const bytes = readFileSync(path);
        if (bytes.length < SMALL) continue;
        const quality = bytes.length > HUGE ? 8 : constants.BROTLI_MAX_QUALITY;
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), pyodideRuntime(), precompressed()],
  build: {
    outDir: "dist",
    target: "es2022",
    sourcemap: false,
    // A file of ours must be a file: inlined data: addresses would need a weaker content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  worker: { format: "es" },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    restoreMocks: true,
    maxWorkers: 2,
    // People type slowly in tests, and on a busy machine more so.
    testTimeout: 30_000,
  },
});
