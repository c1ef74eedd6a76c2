import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, find, NO_CALLS, shown } from '../../web_widget/client/agent-state.js'
import { CALL, snapshot } from './fixtures.js'

const call = (name, events = []) => snapshot(events.map((one) => ({ ...one, call: name })), { call: name })
const ended = (name, seq = 99) => ({ type: 'status', call: name, seq, at_ms: 9_000, name: 'call_ended', detail: { why: 'ended', duration_ms: 9_000 } })
const run = (...actions) => actions.reduce(advance, NO_CALLS)

test('the first call is shown, a second one waits', () => {
  const state = run(call('c-1'), call('c-2'))
  assert.equal(state.selected, 'c-1')
  assert.deepEqual(state.calls.map((one) => one.call), ['c-1', 'c-2'])
})

test('after the end the summary stays until the next call begins', () => {
  const over = run(call('c-1'), ended('c-1'))
  assert.equal(shown(over).live, false)
  assert.equal(advance(over, call('c-2')).selected, 'c-2')
})

test('a snapshot after a reconnect rebuilds the call and moves nobody', () => {
  const state = run(call('c-1', CALL.slice(0, 20)), call('c-2'), { type: 'select', call: 'c-2' })
  const back = advance(state, call('c-1', CALL.slice(0, 60)))
  assert.equal(back.selected, 'c-2')
  assert.equal(find(back, 'c-1').seq, 60)
})

test('a call that the server no longer mentions after a reconnect has ended', () => {
  const state = run(call('c-1'), call('c-2'), { type: 'reopened' }, call('c-2'), { type: 'settled' })
  assert.equal(find(state, 'c-1').live, false)
  assert.equal(find(state, 'c-1').ended.why, 'unseen')
  assert.equal(find(state, 'c-2').live, true)
})

test('a call that only speaks after a reconnect is still there', () => {
  const event = { type: 'metric', call: 'c-1', seq: 5, at_ms: 1, party: 'agent', name: 'rate', value: 200 }
  const state = run(call('c-1'), { type: 'reopened' }, event, { type: 'settled' })
  assert.equal(find(state, 'c-1').live, true)
})

test('events of a call without a beginning are not shown', () => {
  assert.equal(run(call('c-1'), { ...CALL[5], call: 'c-9' }).calls.length, 1)
})

test('answers given here outlive a snapshot', () => {
  const answered = { type: 'answered', call: 'c-1', suggestion: 's1', verdict: 'used' }
  assert.equal(run(call('c-1'), answered, call('c-1')).answers['c-1 s1'], 'used')
})

test('ended calls do not pile up', () => {
  const many = Array.from({ length: 30 }, (_, i) => [call(`c-${i}`), ended(`c-${i}`)]).flat()
  assert.ok(run(...many).calls.length <= 5)
})

test('selecting a call that is not there changes nothing', () => {
  const state = run(call('c-1'))
  assert.equal(advance(state, { type: 'select', call: 'c-9' }), state)
})

test('calls without an agent are those of this link', () => {
  const calls = [{ call: 'c-9', queue: null, started_at: null }]
  const state = run({ type: 'unbound', calls })
  assert.equal(state.unbound, calls)
  assert.deepEqual(advance(state, { type: 'hello', v: 1, recogniser: { name: 'x', demonstration: false } }).unbound, [])
})
