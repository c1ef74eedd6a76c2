import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyCall, LIMITS, reduce } from '../../web_widget/client/call-state.js'
import { CALL, dice, snapshot } from './fixtures.js'

const begun = () => reduce(emptyCall('c-fixture-1'), snapshot([]))
const whole = (events, start = begun()) => events.reduce(reduce, start)

/** Partials that a slow viewer's queue merged away. */
function merged(events, chance) {
  const later = (one, i) => events.slice(i + 1).some((next) => next.type === 'transcript' && next.utterance === one.utterance)
  return events.filter((one, i) => one.type !== 'transcript' || one.final || !later(one, i) || chance() < 0.5)
}

test('a snapshot at any moment and the rest give the same state as the whole stream', () => {
  for (let cut = 0; cut <= CALL.length; cut++) {
    const away = whole(CALL.slice(cut), reduce(emptyCall('c-fixture-1'), snapshot(CALL.slice(0, cut))))
    assert.deepEqual(away, whole(CALL), `snapshot after ${cut} events`)
  }
})

test('at every moment a snapshot equals the stream so far', () => {
  let live = begun()
  for (let cut = 1; cut <= CALL.length; cut++) {
    live = reduce(live, CALL[cut - 1])
    assert.deepEqual(reduce(emptyCall('c-fixture-1'), snapshot(CALL.slice(0, cut))), live)
  }
})

test('merged partials change nothing that stays', () => {
  for (let seed = 1; seed <= 50; seed++) assert.deepEqual(whole(merged(CALL, dice(seed))), whole(CALL))
})

test('events told twice after a resume count once', () => {
  for (let cut = 1; cut < CALL.length; cut += 7) {
    assert.deepEqual(whole([...CALL.slice(0, cut), ...CALL.slice(Math.max(0, cut - 20))]), whole(CALL))
  }
})

test('the state before is never changed in place', () => {
  const freeze = (value) => {
    if (value && typeof value === 'object' && !Object.isFrozen(value)) Object.values(Object.freeze(value)).forEach(freeze)
    return value
  }
  whole(CALL.map((one) => freeze(structuredClone(one))), freeze(begun()))
  CALL.reduce((state, event) => freeze(reduce(state, event)), freeze(begun()))
})

test('a retraction removes the alert, its suggestion and nothing else', () => {
  const until = (seq) => whole(CALL.filter((one) => one.seq <= seq))
  assert.ok(until(109).alerts.some((one) => one.id === 'a4'))
  assert.ok(until(109).suggestions.some((one) => one.id === 's4'))
  const after = until(112)
  assert.ok(!after.alerts.some((one) => one.id === 'a4'))
  assert.ok(!after.suggestions.some((one) => one.id === 's4'))
  assert.deepEqual(after.alerts.map((one) => one.id), ['a1', 'a2', 'a3'])
})

test('a card that was answered retracts no alert', () => {
  const state = whole(CALL.filter((one) => one.seq <= 74))
  assert.ok(!state.suggestions.some((one) => one.id === 's1'))
  assert.ok(state.alerts.some((one) => one.id === 'a1'))
})

test('events of another call change nothing', () => {
  const state = whole(CALL.slice(0, 60))
  assert.equal(reduce(state, { ...CALL[60], call: 'c-other' }), state)
})

test('a confirmation replaces, a late revision does not', () => {
  const state = whole(CALL.filter((one) => one.seq <= 57))
  assert.equal(state.alerts.length, 1)
  assert.equal(state.alerts[0].state, 'confirmed')
  const last = state.utterances.at(-1)
  const late = { ...last, seq: state.seq + 1, revision: last.revision - 1, text: '旧' }
  assert.equal(reduce(state, late).utterances.at(-1).text, last.text)
})

test('an utterance that turns out to be empty goes', () => {
  const first = whole(CALL.slice(0, 5))
  const spoken = first.utterances.at(-1)
  assert.ok(spoken)
  const empty = { ...spoken, seq: first.seq + 1, revision: spoken.revision + 1, text: '', stable: 0, final: true }
  assert.equal(reduce(first, empty).utterances.length, first.utterances.length - 1)
})

test('lists stop growing', () => {
  let state = begun()
  const [transcript, alert] = ['transcript', 'alert'].map((type) => CALL.find((one) => one.type === type))
  for (let i = 1; i <= LIMITS.utterances + 50; i++) {
    state = reduce(state, { ...transcript, seq: 2 * i, utterance: `agent-${i}`, start_ms: i * 1000, revision: 1 })
    state = reduce(state, { ...alert, seq: 2 * i + 1, id: `a${i}` })
  }
  assert.equal(state.utterances.length, LIMITS.utterances)
  assert.equal(state.utterances[0].utterance, 'agent-51')
  assert.equal(state.alerts.length, LIMITS.alerts)
})

test('the end of the call is remembered with its summary', () => {
  const state = whole(CALL)
  assert.equal(state.live, false)
  assert.deepEqual(state.ended, { why: 'ended', duration_ms: 60_600 })
  assert.equal(state.verdicts.s1, 'used')
  assert.equal(state.gaps, 1)
  assert.deepEqual(state.recogniser, { name: 'bundled', demonstration: true, degraded: false })
})

test('utterances stand in the order of speech, whoever was recognised first', () => {
  const starts = whole(CALL).utterances.map((one) => one.start_ms)
  assert.deepEqual(starts, [...starts].sort((a, b) => a - b))
})
