import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, NO_CALLS } from '../../web_widget/client/agent-state.js'
import { byAgent } from '../../web_widget/client/agent-charts.js'
import { advanceBoard, EMPTY_BOARD } from '../../web_widget/client/board-state.js'
import { emptyCall, reduce } from '../../web_widget/client/call-state.js'
import { Connection } from '../../web_widget/client/connection.js'
import { figures, sifted } from '../../web_widget/client/rule-figures.js'
import { checklists } from '../../web_widget/client/steps.js'
import { parse } from '../../web_widget/client/wire.js'
import { dice } from './fixtures.js'

const CALL = 'c-1'
let seq = 0
const event = (type, fields) => ({ type, call: CALL, seq: (seq += 1), at_ms: seq * 100, ...fields })
const step = (list, name, state = 'open') => event('step', { list, step: name, title: name, state, evidence: [] })
const promise = (id, state = 'made') => event('commitment', { id, text: id, due: '', state, evidence: [] })
const shuffled = (list, chance) => list.map((one) => [chance(), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one)

/** What a day brings on one call, in some order; the same names come again. */
function anything(seed, n = 60) {
  seq = 0
  const chance = dice(seed)
  const pick = (list) => list[Math.floor(chance() * list.length)]
  return Array.from({ length: n }, (_, i) => pick([
    () => step(pick(['flow', '7a', 'own']), pick(['opening', 'closing', 'accept', 'promise', 'x', 'y']), pick(['open', 'done', 'due', 'skipped'])),
    () => promise(pick(['p1', 'p2', 'p3']), pick(['made', 'made', 'withdrawn'])),
    () => event('whisper', { id: `w${i}`, by: 'l', text: 't' }),
    () => event('hand', { raised: chance() < 0.5, by: 'a' }),
    () => event('action', { id: `x${i}`, kind: 'note', alert: '', by: 'l', to: '', text: '' }),
    () => event('status', { name: 'durability', detail: { state: pick(['ok', 'lost']), why: 'disk' } }),
    () => event('status', { name: 'agent_changed', detail: { agent: pick(['a-1', 'a-2']), by: 'l', why: 'transfer' } }),
  ])())
}

/** As the server keeps it: later steps and commitments stand for earlier ones. */
function snapshot(events) {
  const kept = new Map()
  for (const one of events) {
    const key = one.type === 'step' ? `${one.list} ${one.step}` : one.type === 'commitment' ? one.id : one.seq
    kept.delete(key)
    kept.set(key, one)
  }
  const agent = events.filter((one) => one.name === 'agent_changed').at(-1)?.detail.agent
  const last = events.at(-1)
  return { type: 'snapshot', call: CALL, info: agent ? { agent } : {}, live: true, seq: last?.seq ?? 0, at_ms: last?.at_ms ?? 0, events: [...kept.values()] }
}

test('whoever joins at any moment sees what the others see', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const events = anything(seed)
    const whole = events.reduce(reduce, emptyCall(CALL))
    for (const cut of [0, 7, 31, events.length]) {
      const joined = reduce(emptyCall(CALL), snapshot(events.slice(0, cut)))
      assert.deepEqual(events.slice(cut).reduce(reduce, joined), whole, `seed ${seed}, cut ${cut}`)
    }
  }
})

test('every new event is what the wire promises, and refused when it is not', () => {
  const spike = { type: 'spike', topic: 't', category: 'c', calls: ['c-1'], count: 3, baseline: 0.5, window_ms: 1, state: 'on' }
  const mark = event('mark', { id: 'm', by: 'q', verdict: 'missed', alert: '', category: '', utterance: '', quote: '', note: '' })
  for (const one of [...anything(3), mark, spike, { type: 'released', call: 'c-1', why: 'transfer' }]) {
    assert.deepEqual(parse(JSON.stringify(one)), one)
    for (const key of Object.keys(one).filter((name) => name !== 'type' && name !== 'detail')) {
      assert.throws(() => parse(JSON.stringify({ ...one, [key]: { x: 1 } })), new RegExp(key))
    }
  }
})

test('a checklist stands in the order of work, whatever order it came in', () => {
  const order = ['opening', 'identity', 'paraphrase', 'solution', 'more_help', 'closing']
  for (let seed = 1; seed <= 10; seed++) {
    seq = 0
    const events = shuffled(order, dice(seed)).map((name) => step('flow', name, name === 'solution' ? 'due' : name === 'opening' ? 'done' : 'open'))
    const [flow] = checklists(events.reduce(reduce, emptyCall(CALL)).steps)
    assert.deepEqual(flow.steps.map((one) => one.step), order)
    assert.deepEqual([flow.done, flow.next.step], [1, 'solution'], 'what is due comes before what is only open')
  }
})

test('a call that was released is gone, and another live one takes its place', () => {
  const begin = (call) => ({ ...snapshot([]), call })
  let state = [begin('c-1'), begin('c-2')].reduce(advance, NO_CALLS)
  state = advance(state, { type: 'released', call: 'c-1', why: 'transfer' })
  assert.deepEqual([state.calls.map((one) => one.call), state.selected, state.released.call], [['c-2'], 'c-2', 'c-1'])
  assert.equal(advance(state, { type: 'released', call: 'c-9', why: '' }), state)
  assert.equal(advance(state, begin('c-3')).released, null)
})

const board = (...calls) => ({ type: 'board', calls: calls.map((call) => ({ call, info: { agent: `a-${call}` }, live: true, at_ms: 0, seq: 0, alerts: [], suggestions: [], metrics: {}, hand: call === 'c-2' })) })
const alert = (severity, id) => ({ ...event('alert', { id, rule: 'r', category: 'c', severity, title: 't', evidence: [], state: 'confirmed' }) })

test('a raised hand outranks danger, and an alert that was resolved counts no more', () => {
  seq = 0
  let state = advanceBoard(EMPTY_BOARD, [board('c-1', 'c-2'), alert('critical', 'a1')])
  const heat = (call) => state.rows.get(call).heat
  assert.ok(heat('c-2') > heat('c-1'))
  state = advanceBoard(state, [event('action', { id: 'x', kind: 'acknowledge', alert: 'a1', by: 'l', to: '', text: '' })])
  assert.equal(state.rows.get('c-1').severity, 'critical', 'seen is not solved')
  state = advanceBoard(state, [event('action', { id: 'y', kind: 'resolve', alert: 'a1', by: 'l', to: '', text: '' })])
  assert.deepEqual([state.rows.get('c-1').severity, heat('c-1')], ['', 0])
})

test('a spike is shown until it is off', () => {
  const spike = (state, count) => ({ type: 'spike', topic: 't', category: 'c', calls: [], count, baseline: 1, window_ms: 1, state })
  const on = advanceBoard(EMPTY_BOARD, [spike('on', 3), spike('on', 5)])
  assert.deepEqual(on.spikes.map((one) => one.count), [5])
  assert.deepEqual(advanceBoard(on, [spike('off', 0)]).spikes, [])
})

test('cards an hour count a card once, over all calls of the agent', () => {
  const row = (call, agent, cards, at_ms) => ({ call, info: { agent }, live: true, cards, at_ms, raised: call === 'c-3' })
  const found = byAgent([row('c-1', 'a', 1, 900_000), row('c-2', 'a', 2, 900_000), row('c-3', 'b', 9, 1_000), row('c-4', '', 5, 900_000)])
  assert.deepEqual(found.map((one) => [one.agent, one.cards_per_hour]), [['b', null], ['a', 6]])
})

test('adoption and override are parts of what was shown', () => {
  const rule = (name, shown, used, wrong) => ({ rule: name, category: '', severity: 'low', title: name, hits: 9, shown, used, dismissed: 0, wrong, said: 1 })
  const all = [rule('a', 10, 2, 5), rule('b', 0, 0, 0)].map(figures)
  assert.deepEqual(all.map((one) => [one.adoption, one.override]), [[0.3, 0.5], [null, null]])
  assert.deepEqual(sifted(all, '', 'adoption').map((one) => one.rule), ['a', 'b'])
  assert.deepEqual(sifted(all, 'B', 'hits').map((one) => one.rule), ['b'])
})

/** Addresses that come later, as tickets do. */
function dialled(address) {
  const sockets = []
  class Line {
    constructor(at) {
      sockets.push(String(at))
    }
    close() {}
  }
  const connection = new Connection({ address, Socket: Line, chance: () => 0, onmessage() {}, onlink() {} })
  connection.open()
  return { connection, sockets }
}

test('a ticket that comes too late opens nothing', async () => {
  let give
  const { connection, sockets } = dialled(() => new Promise((resolve) => (give = resolve)))
  connection.close()
  give('ws://late/')
  await Promise.resolve()
  assert.deepEqual(sockets, [])
})

test('no ticket because nobody is signed in ends the trying; a lost network does not', async () => {
  const refused = dialled(() => Promise.reject(Object.assign(new Error('sign in'), { final: true })))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([refused.connection.link.phase, refused.connection.link.message], ['refused', 'sign in'])
  const away = dialled(() => Promise.reject(new Error('away')))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(away.connection.link.phase, 'waiting')
  for (const { connection } of [refused, away]) connection.close()
})
