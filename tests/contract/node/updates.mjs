// Prints random Yjs updates as base64 lines (argv: seed, steps), and at last the state vector of all of them.
import * as Y from 'yjs'

const [seed, steps] = process.argv.slice(2).map(Number)
let state = seed * 2654435761 + 1
const random = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
const pick = (list) => list[random(list.length)]

const docs = [1, 2, 3].map((n) => {
  const doc = new Y.Doc({ gc: n !== 2 })
  doc.clientID = seed * 1000 + n
  doc.on('update', (update, origin) => origin === 'remote' || console.log(Buffer.from(update).toString('base64')))
  return doc
})
const values = [1, -7, 2.5, 1e300, 'é😀', null, undefined, true, { a: [1, { b: 'x' }] }, new Uint8Array([1, 2, 3]), []]
const inside = (text) => {
  let at = random(text.length + 1)
  const unit = text.toString().charCodeAt(at)
  if (unit >= 0xdc00 && unit < 0xe000) at -= 1
  return at
}
const edits = [
  (d) => d.getText('t').insert(inside(d.getText('t')), pick(['a', 'hello\n', 'é😀', 'x'.repeat(40)])),
  (d) => d.getText('t').insert(0, 'b', { bold: true }),
  (d) => d.getText('t').insertEmbed(0, { image: 'i', size: [1, 2] }),
  (d) => { const t = d.getText('t'); if (t.length > 8) t.delete(0, 1 + random(4)) },
  (d) => { const t = d.getText('t'); if (t.length > 8) t.format(1, 3, { bold: pick([true, null]), n: 1.5 }) },
  (d) => d.getMap('m').set(pick(['a', 'b', 'c']), pick(values)),
  (d) => d.getMap('m').delete('a'),
  (d) => d.getMap('m').set('big', 12345678901n),
  (d) => d.getMap('m').set('type', pick([new Y.Map(), new Y.Array(), new Y.Text('in')])),
  (d) => d.getMap('m').set('doc', new Y.Doc({ guid: 'g' + random(9), meta: { n: 1 } })),
  (d) => d.getArray('a').insert(0, [pick(values) ?? null, pick(values) ?? null]),
  (d) => { const a = d.getArray('a'); if (a.length > 2) a.delete(1, 2) },
  (d) => d.getXmlFragment('x').insert(0, [pick([new Y.XmlElement('p'), new Y.XmlText('words')])]),
]
for (let step = 0; step < steps; step += 1) {
  const doc = pick(docs)
  if (random(8) === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(pick(docs), Y.encodeStateVector(doc)), 'remote')
  else doc.transact(() => { for (let n = random(3); n >= 0; n -= 1) pick(edits)(doc) })
}
const all = new Y.Doc()
for (const doc of docs) {
  const update = Y.encodeStateAsUpdate(doc)
  console.log(Buffer.from(update).toString('base64'))
  Y.applyUpdate(all, update)
}
console.log(Buffer.from(Y.encodeStateVector(all)).toString('base64'))
