/** What participants' code must not find in a worker: every way out of it. The server's policy closes them too. */

const WAYS_OUT = [
  "fetch",
  "XMLHttpRequest",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "EventSource",
  "RTCPeerConnection",
  "RTCDataChannel",
  "importScripts",
  "Worker",
  "SharedWorker",
  "BroadcastChannel",
  "indexedDB",
  "caches",
  "CacheStorage",
  "cookieStore",
  "IDBFactory",
  "postMessage",
  "close",
  "onmessage",
  "showOpenFilePicker",
] as const;

/** Takes them from `scope` and from what it inherits; nothing gives them back. */
export function closeWaysOut(scope: object): void {
  for (const name of WAYS_OUT) {
    for (let owner: object | null = scope; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
      Reflect.deleteProperty(owner, name);
    }
    Object.defineProperty(scope, name, { value: undefined, writable: false, configurable: false });
  }
  const navigator = (scope as { navigator?: object }).navigator;
  for (const name of ["serviceWorker", "storage", "locks", "sendBeacon", "usb", "serial", "hid"]) {
    if (navigator !== undefined) Object.defineProperty(navigator, name, { value: undefined });
  }
}
