// Without a network, a page that is opened is the offline page. Nothing else is kept: the server's truth, or none.
// The version changes with any file of KEPT.
const VERSION = "offline-1";
const KEPT = ["/offline.html", "/offline.js", "/theme.js", "/icon.svg"];
const NOT_PAGES = /^\/(api|hooks|health|socket\.io|yjs|assets|pyodide|\.well-known)\b/;

self.addEventListener("install", (event) => {
  const fresh = KEPT.map((path) => new Request(path, { cache: "reload" }));
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    Promise.all([
      caches.keys().then((names) => Promise.all(names.filter((name) => name !== VERSION).map((name) => caches.delete(name)))),
      self.registration.navigationPreload?.enable(),
      self.clients.claim(),
    ]),
  );
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== self.location.origin || event.request.method !== "GET" || NOT_PAGES.test(pathname)) return;
  if (event.request.mode === "navigate") event.respondWith(page(event));
  else if (KEPT.includes(pathname)) event.respondWith(fetch(event.request).catch(() => kept(pathname)));
});

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return kept("/offline.html");
  }
}

async function kept(path) {
  const cache = await caches.open(VERSION);
  return (await cache.match(path)) ?? Response.error();
}
