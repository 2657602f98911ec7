// Two people with socket.io-client in one room: argv[2] is JSON {urls, tokens, room_id, parser, transports, expired}.
import { io } from 'socket.io-client'
import msgpack from 'socket.io-msgpack-parser'
import { done, until } from './wait.mjs'

const how = JSON.parse(process.argv[2])
const open = (url, token) => {
  const options = { auth: { token }, transports: how.transports, reconnection: false, forceNew: true }
  const socket = how.parser === 'msgpack'
    ? io(url, { ...options, path: '/socket.io-msgpack/', parser: msgpack })
    : io(url, { ...options, path: '/socket.io/' })
  socket.heard = []
  socket.on('room:event', (event) => socket.heard.push(event))
  return socket
}
const connected = (socket) => new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))

const refusal = await connected(open(how.urls[0], how.expired)).then(() => null, (error) => error.data.code)
const people = how.tokens.map((token, n) => open(how.urls[n % how.urls.length], token))
await Promise.all(people.map(connected))
for (const socket of people) await socket.emitWithAck('room:enter', { room_id: how.room_id })
const acks = []
for (let n = 0; n < 10; n += 1)
  for (const [who, socket] of people.entries()) acks.push(await socket.emitWithAck('chat:send', { room_id: how.room_id, text: `${who}.${n}` }))
await until(() => people.every((socket) => socket.heard.length === 20))
const unknown = await people[0].emitWithAck('no:such', {})
done({
  refusal,
  acks: acks.map((ack) => ack.data.seq),
  heard: people.map((socket) => socket.heard.map((event) => [event.seq, event.payload.text])),
  unknown: unknown.problem.code,
  transports: people.map((socket) => socket.io.engine.transport.name),
})
