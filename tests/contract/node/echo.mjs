// socket.io-client against the conformance server: argv[2] is JSON {url, parser, transports}.
import { io } from 'socket.io-client'
import msgpack from 'socket.io-msgpack-parser'
import { done, until } from './wait.mjs'

const how = JSON.parse(process.argv[2])
const options = { auth: { token: 'é' }, transports: how.transports, reconnection: false, timeout: 10000 }
const where = how.parser === 'msgpack' ? { path: '/socket.io-msgpack/', parser: msgpack } : { path: '/socket.io/' }
const open = (namespace) => {
  const socket = io(how.url + namespace, { ...options, ...where })
  socket.heard = []
  socket.onAny((...args) => socket.heard.push(args))
  return socket
}
const connected = (socket) => new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))
const call = (socket, ...args) => new Promise((resolve) => socket.emit('message-with-ack', ...args, (...answer) => resolve(answer)))
const hex = (value) => (ArrayBuffer.isView(value) ? Buffer.from(value).toString('hex') : value)

const [main, custom, unknown] = ['/', '/custom', '/unknown'].map(open)
const refused = connected(unknown).then(() => null, (error) => error.message)
await Promise.all([main, custom].map(connected))
await until(() => main.heard.length === 1 && custom.heard.length === 1)
const auth = [main, custom].map((socket) => socket.heard.shift())

const bytes = [Buffer.from([0, 1, 254, 255]), Buffer.alloc(0), Buffer.alloc(100_000, 7)]
const ack = await call(main, 1, '2', { 3: [true, null] }, bytes[0])
const customAck = await call(custom, ...bytes)
for (let n = 0; n < 100; n += 1) main.emit('message', n, n % 2 ? Buffer.from([n]) : 'é')
custom.emit('message')
await until(() => main.heard.length === 100 && custom.heard.length === 1)
let pings = 0
main.io.on('ping', () => (pings += 1))
await until(() => pings >= 2)
custom.disconnect()
const last = await call(main, 'last')

done({
  auth,
  refused: await refused,
  ack: ack.map(hex),
  sizes: customAck.map((part) => part.length),
  order: main.heard.map(([name, n, what]) => [name, n, hex(what)]),
  bare: custom.heard,
  last,
  transport: main.io.engine.transport.name,
})
