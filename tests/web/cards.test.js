import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyCall, reduce } from '../../web_widget/client/call-state.js'
import { arrange, candidates } from '../../web_widget/client/cards.js'
import { CALL, snapshot } from './fixtures.js'

const at = (seq) => CALL.filter((one) => one.seq <= seq).reduce(reduce, reduce(emptyCall('c-fixture-1'), snapshot([])))
const card = (id, severity, extra = {}) => ({ id, severity, at_ms: 0, seq: 1, gone: false, ...extra })
const ids = (cards) => cards.map((one) => one.id)

test('a card says what to say, why, and in whose words', () => {
  const [one] = candidates(at(58), {})
  assert.equal(one.say, CALL.find((event) => event.id === 's1').say)
  assert.equal(one.quote, '我要投诉')
  assert.equal(one.party, 'customer')
  assert.equal(one.state, 'confirmed')
  assert.equal(one.seq, 58)
})

test('answered cards leave, whether the server or this page knows it', () => {
  assert.equal(candidates(at(58), { 'c-fixture-1 s1': 'dismissed' }).length, 0)
  assert.equal(candidates(at(62), {}).length, 0)
})

test('the most urgent first, then the newest', () => {
  const start = at(58)
  const danger = { ...CALL.find((one) => one.id === 's1'), id: 's9', alert: 'a9', severity: 'critical', seq: 59, heard_ms: 1 }
  assert.deepEqual(ids(candidates(reduce(start, danger), {})), ['s9', 's1'])
})

test('danger without a sentence is shown all the same', () => {
  const alert = { ...CALL.find((one) => one.id === 'a1'), id: 'a9', severity: 'critical', seq: 59 }
  const [first] = candidates(reduce(at(58), alert), {})
  assert.equal(first.id, 'a9')
  assert.equal(first.say, '')
})

test('an ended call has no cards', () => {
  assert.deepEqual(candidates(at(150), {}), [])
})

test('at most three', () => {
  const ranked = [card('a', 'high'), card('b', 'high'), card('c', 'medium'), card('d', 'low')]
  assert.deepEqual(ids(arrange([], ranked, { hold: false })), ['a', 'b', 'c'])
})

test('under the pointer nothing moves: what came takes a free place, what went stays as gone', () => {
  const before = [card('a', 'medium'), card('b', 'low')]
  const next = arrange(before, [card('x', 'critical'), card('b', 'low')], { hold: true })
  assert.deepEqual(ids(next), ['a', 'b', 'x'])
  assert.equal(next[0].gone, true)
})

test('under the pointer danger takes the place of the least urgent other card', () => {
  const before = [card('a', 'high'), card('b', 'low'), card('c', 'medium')]
  assert.deepEqual(ids(arrange(before, [card('x', 'critical'), ...before], { hold: true, kept: 'b' })), ['a', 'b', 'x'])
  assert.deepEqual(ids(arrange(before, [card('x', 'critical'), ...before], { hold: true, kept: 'c' })), ['a', 'x', 'c'])
  assert.deepEqual(ids(arrange(before, [...before, card('x', 'info')], { hold: true })), ['a', 'b', 'c'])
})
