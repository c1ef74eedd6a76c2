import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches, order } from '../../web_widget/client/board-order.js'
import { advanceBoard, EMPTY_BOARD, headline } from '../../web_widget/client/board-state.js'
import { CALL, INFO } from './fixtures.js'

const alert = CALL.find((one) => one.id === 'a1')
const raise = (call, seq, severity, id = 'a1', at_ms = 24_000) => ({ ...alert, call, seq, severity, id, at_ms })
const begin = (...calls) => ({
  type: 'board',
  calls: calls.map((call) => ({ call, info: INFO, live: true, at_ms: 0, seq: 0, alerts: [], suggestions: [], metrics: {} })),
})
const row = (call, heat) => ({ call, heat, alerts: [], info: {}, last: '' })

test('one message at a time or all at once: the same board', () => {
  const messages = [begin('c-fixture-1', 'c-2'), ...CALL]
  const slowly = messages.reduce((state, one) => advanceBoard(state, [one]), EMPTY_BOARD)
  assert.deepEqual(advanceBoard(EMPTY_BOARD, messages), slowly)
})

test('the worst alert that stands makes the row', () => {
  let state = advanceBoard(EMPTY_BOARD, [begin('c-1'), raise('c-1', 1, 'medium'), raise('c-1', 2, 'critical', 'a2')])
  assert.equal(state.rows.get('c-1').severity, 'critical')
  assert.equal(headline(state.rows.get('c-1')).id, 'a2')
  state = advanceBoard(state, [{ type: 'retraction', call: 'c-1', seq: 3, at_ms: 25_000, id: 'a2', why: 'asr_revised' }])
  assert.equal(state.rows.get('c-1').severity, 'medium')
  assert.deepEqual(state.feed.map((one) => one.alert.id), ['a1'])
})

test('what was suggested stays to be read after the card has gone', () => {
  const state = advanceBoard(EMPTY_BOARD, [begin('c-fixture-1'), ...CALL.filter((one) => one.seq <= 80)])
  assert.match(state.rows.get('c-fixture-1').says.a1, /抱歉/)
})

test('an alert that nothing followed cools, danger does not', () => {
  const later = { type: 'metric', call: 'c-1', seq: 9, at_ms: 400_000, party: 'agent', name: 'rate', value: 1 }
  const calm = advanceBoard(EMPTY_BOARD, [begin('c-1'), raise('c-1', 1, 'high'), later])
  assert.equal(calm.rows.get('c-1').severity, 'low')
  const danger = advanceBoard(EMPTY_BOARD, [begin('c-1'), raise('c-1', 1, 'critical'), later])
  assert.equal(danger.rows.get('c-1').severity, 'critical')
})

test('a new board replaces what was believed', () => {
  const before = advanceBoard(EMPTY_BOARD, [begin('c-1', 'c-2'), raise('c-1', 1, 'high')])
  const after = advanceBoard(before, [begin('c-2')])
  assert.deepEqual([...after.rows.keys()], ['c-2'])
  assert.deepEqual(after.feed, [])
})

test('rows and feed stay bounded over a long day', () => {
  let state = EMPTY_BOARD
  for (let i = 0; i < 500; i++) {
    const end = { type: 'status', call: `c-${i}`, seq: 3, at_ms: 9, name: 'call_ended', detail: { why: 'ended', duration_ms: 9 } }
    state = advanceBoard(state, [raise(`c-${i}`, 1, 'high'), end])
  }
  assert.ok(state.rows.size <= 40)
  assert.ok(state.feed.length <= 120)
})

test('order: worst first; what is equally bad keeps its place', () => {
  const rows = [row('a', 1), row('b', 3), row('c', 1), row('d', 3)]
  assert.deepEqual(order([], rows), ['b', 'd', 'a', 'c'])
  assert.deepEqual(order(['d', 'b', 'c', 'a'], rows), ['d', 'b', 'c', 'a'])
})

test('order: nothing moves while somebody points at it, new rows come at the end', () => {
  const rows = [row('a', 1), row('b', 6), row('new', 6)]
  assert.deepEqual(order(['a', 'b', 'gone'], rows, { hold: true }), ['a', 'b', 'new'])
})

test('filters ask words and severity', () => {
  const one = { ...row('c-1', 5), info: { agent: 'A-7', queue: '宽带' }, last: '我要退款', alerts: [alert] }
  for (const text of ['a-7', '宽带', '退款', '投诉', 'C-1', '  ']) assert.ok(matches(one, { text }), text)
  assert.ok(!matches(one, { text: '燃气' }))
  assert.ok(matches(one, { severity: 'high' }))
  assert.ok(!matches(one, { severity: 'critical' }))
})
