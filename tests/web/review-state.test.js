import assert from 'node:assert/strict'
import { test } from 'node:test'
import { review } from '../../web_widget/client/review-state.js'
import { outline, readWav } from '../../web_widget/client/wav.js'
import { CALL } from './fixtures.js'

const seen = () => review('c-fixture-1', CALL, 60_600)
const said = (utterance, party, start_ms, end_ms, seq) => ({
  type: 'transcript', call: 'c-1', seq, at_ms: end_ms, party, utterance, revision: 1, text: '话', stable: 1, final: true, start_ms, end_ms,
})

test('every alert that ever fired is there, also what was taken back, with its card', () => {
  const fired = new Set(CALL.filter((one) => one.type === 'alert').map((one) => one.id))
  const { cues } = seen()
  assert.deepEqual(new Set(cues.map((one) => one.alert.id)), fired)
  const back = CALL.find((one) => one.type === 'retraction' && fired.has(one.id))
  assert.equal(cues.find((one) => one.alert.id === back.id).retracted, back.why)
  assert.equal(cues.find((one) => one.suggestion?.id === 's1').verdict, 'used')
  assert.equal(cues[0].alert.state, 'confirmed', 'the last word on it')
  const starts = cues.map((one) => one.alert.evidence[0].start_ms)
  assert.deepEqual(starts, [...starts].sort((a, b) => a - b))
})

test('stages are the distances of the stamps of the first showing', () => {
  const first = CALL.find((one) => one.type === 'alert')
  const { stages } = seen().cues.find((one) => one.alert.id === first.id)
  assert.deepEqual(stages.map((one) => one.name), ['recognised', 'fired', 'sent'])
  const whole = Math.round(1000 * (first.stamps.sent - first.stamps.arrived))
  assert.ok(Math.abs(stages.reduce((sum, one) => sum + one.ms, 0) - whole) <= 2)
})

test('silences and interruptions come from who spoke when', () => {
  const events = [
    said('customer-1', 'customer', 1_000, 3_000, 1), said('agent-2', 'agent', 2_400, 4_000, 2),
    said('agent-3', 'agent', 9_000, 10_000, 3), said('customer-4', 'customer', 9_800, 11_000, 4),
  ]
  const found = review('c-1', events, 16_000)
  assert.deepEqual(found.silences, [{ start_ms: 4_000, end_ms: 9_000 }, { start_ms: 11_000, end_ms: 16_000 }])
  assert.deepEqual(found.interruptions, [{ start_ms: 2_400, end_ms: 3_000, by: 'agent' }], 'a short overlap is none')
})

test('marks belong to their cue', () => {
  const alert = CALL.find((one) => one.type === 'alert')
  const mark = { type: 'mark', call: alert.call, seq: 9_999, at_ms: 60_600, id: 'm1', by: 'qa', verdict: 'wrong', alert: alert.id, category: '', utterance: '', quote: '', note: '' }
  const { cues } = review(alert.call, [...CALL, mark], 60_600)
  assert.deepEqual(cues.map((one) => one.marks.length), cues.map((one) => (one.alert.id === alert.id ? 1 : 0)))
})

/** Two channels: the first counts up, the second is its negative. */
function wav(frames, { bits = 16, unknown = false } = {}) {
  const view = new DataView(new ArrayBuffer(44 + frames * 4))
  const tag = (at, text) => [...text].forEach((one, i) => view.setUint8(at + i, one.charCodeAt(0)))
  tag(0, 'RIFF'); tag(8, 'WAVE'); tag(12, 'fmt '); tag(36, 'data')
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 2, true); view.setUint32(24, 8_000, true)
  view.setUint16(34, bits, true); view.setUint32(40, unknown ? 0xffffffff : frames * 4, true)
  for (let i = 0; i < frames; i++) { view.setInt16(44 + 4 * i, i, true); view.setInt16(46 + 4 * i, -i, true) }
  return view.buffer
}

test('a WAV file is split into its channels', () => {
  for (const unknown of [false, true]) {
    const { rate, channels } = readWav(wav(1_000, { unknown }))
    assert.equal(rate, 8_000)
    assert.deepEqual(channels.map((one) => [one.length, one[1], one[999]]), [[1_000, 1, 999], [1_000, -1, -999]])
  }
})

test('what is no 16 bit WAV is refused, whatever it is', () => {
  for (const bad of [new ArrayBuffer(0), new ArrayBuffer(100), wav(10).slice(0, 30), wav(10, { bits: 8 })]) {
    assert.throws(() => readWav(bad), Error)
  }
})

test('the outline is the loudest of each stretch', () => {
  const out = outline(readWav(wav(800)).channels[1], 8_000, 50)
  assert.deepEqual([...out].map((one) => Math.round(one * 32768)), [399, 799])
})
