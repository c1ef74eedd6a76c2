/**
 * PURE. One call as it is known now: `reduce(state, message) → state`.
 * The state depends only on what a snapshot also carries, so a client that was away and one that
 * saw every event end up equal (tests/web/call-state.test.js holds this against recorded calls).
 * @typedef {import('./wire.js').Transcript} Transcript
 * @typedef {import('./wire.js').Alert} Alert
 * @typedef {import('./wire.js').Suggestion} Suggestion
 * @typedef {import('./wire.js').Step} Step
 * @typedef {import('./wire.js').Commitment} Commitment
 * @typedef {import('./wire.js').Whisper} Whisper
 * @typedef {import('./wire.js').LeadAction} LeadAction
 * @typedef {import('./wire.js').Mark} Mark
 * @typedef {import('./wire.js').CallEvent} CallEvent
 * @typedef {import('./wire.js').Snapshot} Snapshot
 *
 * @typedef {Object} CallState
 * @property {string} call
 * @property {import('./wire.js').Info} info
 * @property {boolean} live
 * @property {number} seq last event that is in here
 * @property {number} at_ms audio time
 * @property {readonly Transcript[]} utterances last revision of each, in the order of speech
 * @property {readonly Alert[]} alerts what still stands, in the order of what caused it
 * @property {readonly Suggestion[]} suggestions what still stands
 * @property {Readonly<Record<string, number>>} metrics last value, by `party.name`
 * @property {Readonly<Record<string, string>>} verdicts by suggestion id
 * @property {{name: string, demonstration: boolean, degraded: boolean}|null} recogniser
 * @property {readonly string[]} failed parties whose recognition ended in an error
 * @property {number} gaps stretches of audio that never arrived
 * @property {number} gap_ms audio time at which the last of them ended
 * @property {readonly Step[]} steps of the checklists, in the order of work
 * @property {readonly Commitment[]} commitments that stand, in the order they were made
 * @property {readonly Whisper[]} whispers from the lead, oldest first
 * @property {{raised: boolean, by: string}} hand
 * @property {readonly LeadAction[]} actions of leads, oldest first
 * @property {readonly Mark[]} marks of reviewers, oldest first
 * @property {{party: string, kind: string, end_ms: number}|null} not_speech heard last
 * @property {string} lost why what happens now may not be stored, empty while all is well
 * @property {{why: string, duration_ms: number}|null} ended
 */

import { withStep } from './steps.js'

/** Oldest go first when a list is full. */
export const LIMITS = { utterances: 400, alerts: 200, suggestions: 100, verdicts: 200, others: 60 }

/** @param {string} call @returns {CallState} */
export function emptyCall(call) {
  return {
    call, info: {}, live: true, seq: 0, at_ms: 0, utterances: [], alerts: [], suggestions: [],
    metrics: {}, verdicts: {}, recogniser: null, failed: [], gaps: 0, gap_ms: 0, steps: [],
    commitments: [], whispers: [], hand: { raised: false, by: '' }, actions: [], marks: [],
    not_speech: null, lost: '', ended: null,
  }
}

/**
 * Events of other calls and events that are already in here change nothing.
 * @param {CallState} state @param {CallEvent|Snapshot} message @returns {CallState}
 */
export function reduce(state, message) {
  if (message.call !== state.call) return state
  if (message.type === 'snapshot') return rebuild(message)
  if (message.seq <= state.seq) return state
  const next = absorb(state, message)
  return { ...next, seq: message.seq, at_ms: Math.max(state.at_ms, message.at_ms) }
}

/** @param {Snapshot} snapshot @returns {CallState} */
function rebuild(snapshot) {
  const { call, info, live, seq, at_ms } = snapshot
  const start = { ...emptyCall(call), info: defined(info) }
  const events = [...snapshot.events].sort((a, b) => a.seq - b.seq)
  return { ...events.reduce(absorb, start), live, seq, at_ms }
}

/** @param {CallState} state @param {CallEvent} event @returns {CallState} */
function absorb(state, event) {
  switch (event.type) {
    case 'transcript':
      return { ...state, utterances: withUtterance(state.utterances, event) }
    case 'alert':
      return { ...state, alerts: withCard(state.alerts, event, heard, LIMITS.alerts) }
    case 'suggestion':
      return { ...state, suggestions: withCard(state.suggestions, event, spoken, LIMITS.suggestions) }
    case 'retraction':
      return retract(state, event.id)
    case 'metric':
      return { ...state, metrics: { ...state.metrics, [`${event.party}.${event.name}`]: event.value } }
    case 'status':
      return withStatus(state, event)
    case 'step':
      return { ...state, steps: withStep(state.steps, event) }
    case 'commitment':
      return { ...state, commitments: withCommitment(state.commitments, event) }
    case 'whisper':
      return { ...state, whispers: withLast(state.whispers, event) }
    case 'hand':
      return { ...state, hand: { raised: event.raised, by: event.by } }
    case 'action':
      return { ...state, actions: withLast(state.actions, event) }
    case 'mark':
      return { ...state, marks: withLast(state.marks, event) }
    default:
      return state
  }
}

/** @param {readonly Transcript[]} list @param {Transcript} next */
function withUtterance(list, next) {
  const known = list.find((one) => one.utterance === next.utterance)
  if (known && known.revision >= next.revision) return list
  const gone = next.final && next.text === ''
  if (known && !gone && known.start_ms === next.start_ms) {
    return list.map((one) => (one === known ? next : one))
  }
  const rest = known ? list.filter((one) => one !== known) : list
  return gone ? rest : insert(rest, next, bySpeech, LIMITS.utterances)
}

/** @param {Transcript} a @param {Transcript} b */
const bySpeech = (a, b) => a.start_ms - b.start_ms || compare(a.utterance, b.utterance)
/** @param {Alert} one audio time at which its words had been spoken */
const heard = (one) => one.evidence[0]?.end_ms ?? 0
/** @param {Suggestion} one */
const spoken = (one) => one.heard_ms ?? 0

/**
 * The same id again replaces (confirmed, escalated).
 * @template {{id: string}} T
 * @param {readonly T[]} list @param {T} next @param {(one: T) => number} when @param {number} limit
 */
function withCard(list, next, when, limit) {
  const rest = list.filter((one) => one.id !== next.id)
  return insert(rest, next, (a, b) => when(a) - when(b) || compare(a.id, b.id), limit)
}

/** @param {readonly Commitment[]} list @param {Commitment} next */
function withCommitment(list, next) {
  if (next.state === 'withdrawn') return list.filter((one) => one.id !== next.id)
  return withCard(list, next, (one) => one.evidence[0]?.end_ms ?? 0, LIMITS.others)
}

/** @template {{id: string}} T @param {readonly T[]} list @param {T} next @returns {readonly T[]} */
const withLast = (list, next) => [...list.filter((one) => one.id !== next.id), next].slice(-LIMITS.others)

/** Withdrawing an alert withdraws what it suggested. @param {CallState} state @param {string} id @returns {CallState} */
function retract(state, id) {
  return {
    ...state,
    alerts: state.alerts.filter((one) => one.id !== id),
    suggestions: state.suggestions.filter((one) => one.id !== id && one.alert !== id),
  }
}

/** @param {CallState} state @param {import('./wire.js').Status} event @returns {CallState} */
function withStatus(state, { name, detail }) {
  switch (name) {
    case 'call_started':
      return { ...state, info: { ...defined(detail), ...state.info } }
    case 'call_ended': {
      const duration_ms = Number(detail.duration_ms ?? state.at_ms)
      return { ...state, live: false, ended: { why: String(detail.why ?? ''), duration_ms } }
    }
    case 'audio_gap':
      return { ...state, gaps: state.gaps + 1, gap_ms: Number(detail.end_ms ?? state.at_ms) }
    case 'party_failed':
      return { ...state, failed: [...new Set([...state.failed, String(detail.party)])] }
    case 'recogniser':
      return {
        ...state,
        recogniser: {
          name: String(detail.name ?? ''),
          demonstration: detail.demonstration === true,
          degraded: detail.degraded === true,
        },
      }
    case 'agent_changed':
      return { ...state, info: { ...state.info, agent: String(detail.agent ?? '') } }
    case 'not_speech':
      return {
        ...state,
        not_speech: {
          party: String(detail.party ?? ''), kind: String(detail.kind ?? ''), end_ms: Number(detail.end_ms ?? state.at_ms),
        },
      }
    case 'durability':
      return { ...state, lost: detail.state === 'lost' ? String(detail.why || 'lost') : '' }
    case 'feedback':
      return { ...state, verdicts: withVerdict(state.verdicts, detail) }
    default:
      return state
  }
}

/** @param {Readonly<Record<string, string>>} verdicts @param {Record<string, unknown>} detail */
function withVerdict(verdicts, { suggestion, verdict }) {
  const entries = Object.entries({ ...verdicts, [String(suggestion)]: String(verdict) })
  return Object.fromEntries(entries.slice(-LIMITS.verdicts))
}

/** @template {object} T @param {T} fields @returns {T} without null and undefined */
const defined = (fields) =>
  /** @type {T} */ (Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)))

/**
 * Into its place from the end, where it nearly always belongs.
 * @template T @param {readonly T[]} list @param {T} next
 * @param {(a: T, b: T) => number} order @param {number} limit
 */
function insert(list, next, order, limit) {
  let at = list.length
  while (at > 0 && order(list[at - 1], next) > 0) at -= 1
  const all = [...list.slice(0, at), next, ...list.slice(at)]
  return all.length > limit ? all.slice(all.length - limit) : all
}

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
