import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spans } from '../../web_widget/client/spans.js'
import { clip, clock, cut } from '../../web_widget/client/text.js'
import { CALL } from './fixtures.js'

const spoken = (text, stable, final = false) => ({ utterance: 'u', text, stable, final })
const mark = (text, start, severity = 'high') => ({
  severity, evidence: [{ utterance: 'u', start, end: start + [...text].length, text }],
})
const plain = (list) => list.map(({ text, kind, mark: on }) => `${on ? `[${on}]` : ''}${kind}:${text}`)

test('the stable prefix is solid, the rest may change', () => {
  assert.deepEqual(plain(spans(spoken('我要投诉', 2), [])), ['stable:我要', 'tail:投诉'])
  assert.deepEqual(plain(spans(spoken('我要投诉', 0, true), [])), ['stable:我要投诉'])
  assert.deepEqual(spans(spoken('', 0), []), [])
})

test('evidence is marked where the same words still stand', () => {
  const list = spans(spoken('你们我要投诉', 4), [mark('我要投诉', 2)])
  assert.deepEqual(plain(list), ['stable:你们', '[high]stable:我要', '[high]tail:投诉'])
  assert.deepEqual(plain(spans(spoken('你们我要投宿', 6), [mark('我要投诉', 2)])), ['stable:你们我要投宿'])
})

test('where marks overlap the worse one shows', () => {
  const list = spans(spoken('冒火花了', 4), [mark('冒火花', 0, 'critical'), mark('火花了', 1, 'low')])
  assert.deepEqual(plain(list), ['[critical]stable:冒', '[critical]stable:火花', '[low]stable:了'])
})

test('offsets count characters, not halves of them', () => {
  const list = spans(spoken('𠮷野家我要投诉', 7), [mark('我要投诉', 3)])
  assert.deepEqual(plain(list), ['stable:𠮷野家', '[high]stable:我要投诉'])
  assert.equal(cut('😀😀好', 1, 3), '😀好')
})

test('every span of every recorded utterance adds up to its text', () => {
  const alerts = CALL.filter((one) => one.type === 'alert')
  for (const one of CALL.filter((event) => event.type === 'transcript')) {
    assert.equal(spans(one, alerts).map((span) => span.text).join(''), one.text)
  }
})

test('clipping keeps whole characters', () => {
  assert.deepEqual(clip('短', 5), { text: '短', clipped: false })
  assert.deepEqual(clip('😀😀😀', 2), { text: '😀😀…', clipped: true })
  assert.deepEqual(clip('一二三四', 2, 'end'), { text: '…三四', clipped: true })
})

test('time of a call', () => {
  assert.equal(clock(0), '00:00')
  assert.equal(clock(61_240), '01:01')
  assert.equal(clock(3_723_000), '1:02:03')
})
