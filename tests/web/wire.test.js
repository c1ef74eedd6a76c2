import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { isCallEvent, parse, rank, WireError } from '../../web_widget/client/wire.js'
import { CALL, lines, snapshot } from './fixtures.js'

const nouns = readdirSync(new URL('../fixtures/nouns/', import.meta.url))

for (const name of nouns) {
  test(`every recorded ${name} is understood and unchanged`, () => {
    const all = lines(`nouns/${name}`)
    assert.ok(all.length > 0)
    for (const one of all) {
      const message = parse(JSON.stringify(one))
      assert.ok(isCallEvent(message))
      assert.deepEqual(message, one)
    }
  })
}

for (const name of nouns) {
  test(`${name}: a field that is missing or of another kind is refused by name`, () => {
    const [one] = lines(`nouns/${name}`)
    const optional = new Set(['stamps', 'heard_ms', 'trace', 'chars', 'confidence', 'version', 'pack', 'slots', 'type'])
    for (const key of Object.keys(one).filter((key) => !optional.has(key))) {
      const without = { ...one }
      delete without[key]
      assert.throws(() => parse(JSON.stringify(without)), (error) => error instanceof WireError && error.message.includes(key))
      for (const wrong of [null, ['x'], { x: 1 }]) {
        if (key === 'evidence' || key === 'detail') continue
        assert.throws(() => parse(JSON.stringify({ ...one, [key]: wrong })), WireError)
      }
    }
  })
}

test('evidence is checked to its last field', () => {
  const alert = CALL.find((one) => one.type === 'alert')
  const bent = { ...alert, evidence: [{ ...alert.evidence[0], start_ms: 'soon' }] }
  assert.throws(() => parse(JSON.stringify(bent)), /alert\.evidence\[0\]\.start_ms: a number was expected/)
})

test('the frame itself must be JSON text with a type', () => {
  for (const frame of ['', '{', '[]', '3', 'null', '{}', '{"type":7}', new ArrayBuffer(4), undefined]) {
    assert.throws(() => parse(frame), WireError)
  }
})

test('a type from a newer server is let through as unknown', () => {
  assert.deepEqual(parse('{"type":"hologram","x":1}'), { type: 'unknown', name: 'hologram' })
  // Names that every object has are not types.
  assert.deepEqual(parse('{"type":"constructor"}'), { type: 'unknown', name: 'constructor' })
  assert.deepEqual(parse('{"type":"__proto__"}'), { type: 'unknown', name: '__proto__' })
})

test('a field from a newer server is let through', () => {
  const status = CALL.find((one) => one.type === 'status')
  assert.equal(parse(JSON.stringify({ ...status, later: 1 })).later, 1)
})

test('snapshots are checked inside', () => {
  const good = snapshot(CALL.slice(0, 60))
  assert.equal(parse(JSON.stringify(good)).events.length, good.events.length)
  const bad = { ...good, events: [{ ...good.events[0], seq: 'x' }] }
  assert.throws(() => parse(JSON.stringify(bad)), WireError)
  assert.throws(() => parse(JSON.stringify({ ...good, events: [{ type: 'hello' }] })), WireError)
})

test('hello of another version is refused', () => {
  const hello = { type: 'hello', v: 1, recogniser: { name: 'bundled', demonstration: true } }
  assert.equal(parse(JSON.stringify(hello)).recogniser.demonstration, true)
  assert.throws(() => parse(JSON.stringify({ ...hello, v: 2 })), /version 2/)
})

test('danger outranks everything', () => {
  for (const other of ['info', 'low', 'medium', 'high', 'veto']) assert.ok(rank('critical') > rank(other))
})
