// People with y-websocket at one document: argv[2] is JSON {urls, document_id, passes, reader}.
import * as Y from 'yjs'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import { done, until } from './wait.mjs'

const how = JSON.parse(process.argv[2])
const open = (url, pass, doc = new Y.Doc()) => {
  const provider = new WebsocketProvider(`${url}/yjs`, how.document_id, doc, {
    params: { pass }, WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 100,
  })
  provider.codes = []
  provider.on('connection-close', (event) => provider.codes.push(event?.code))
  return provider
}
const text = (provider) => provider.doc.getText('f1')
const words = (provider) => text(provider).toString()

const people = how.passes.map((pass, n) => open(how.urls[n % how.urls.length], pass))
people.forEach((provider, n) => provider.awareness.setLocalStateField('user', { name: 'forged', id: 'forged', n }))
await until(() => people.every((provider) => provider.synced))

for (let n = 0; n < 40; n += 1) {
  const provider = people[n % people.length]
  const at = Math.floor(words(provider).length / 2)
  text(provider).insert(at, `${n} é😀\n`)
  if (n % 7 === 6) text(provider).delete(0, 3)
  if (n % 5 === 4) await new Promise((resolve) => setTimeout(resolve, 5))
}
await until(() => people.every((provider) => words(provider) === words(people[0])) && words(people[0]).includes('39 '))
const same = words(people[0])
await until(() => people.every((provider) => provider.awareness.getStates().size === people.length))
const names = [...people[0].awareness.getStates()].filter(([id]) => id !== people[0].doc.clientID).map(([, state]) => state.user.name)

people[0].disconnect()
await until(() => people[1].awareness.getStates().size === people.length - 1)
text(people[0]).insert(0, 'offline ')
text(people[1]).insert(0, 'online ')
people[0].connect()
await until(() => people.every((provider) => words(provider) === words(people[0]) && /offline/.test(words(provider)) && /online /.test(words(provider))))
await until(() => people[1].awareness.getStates().size === people.length)

const reader = open(how.urls[0], how.reader)
await until(() => reader.synced && words(reader) === words(people[0]))
text(reader).insert(0, 'forbidden ')
await until(() => reader.codes.length > 0)
reader.destroy()
const late = open(how.urls.at(-1), how.passes[0])
await until(() => late.synced && words(late) === words(people[0]))
done({ same, names, refused: reader.codes[0], final: words(late), converged: people.every((provider) => words(provider) === words(late)) })
