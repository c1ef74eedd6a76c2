/**
 * PURE. All that one agent sees: the current calls, which of them is shown, which cards were
 * answered here. `advance(state, action) → state`; actions are wire messages and a few of our own.
 * @typedef {import('./call-state.js').CallState} CallState
 * @typedef {import('./wire.js').Message} Message
 * @typedef {import('./wire.js').Verdict} Verdict
 * @typedef {{type: 'select', call: string} | {type: 'reopened'} | {type: 'settled'}
 *   | {type: 'answered', call: string, suggestion: string, verdict: Verdict}
 *   | {type: 'read', call: string, whisper: string}} Own
 *
 * @typedef {Object} AgentState
 * @property {import('./wire.js').Hello|null} hello
 * @property {readonly CallState[]} calls in the order they began; the ended ones stay a while
 * @property {string} selected the call on show, empty when there is none
 * @property {ReadonlySet<string>} unsure calls not heard of since the link came back
 * @property {Readonly<Record<string, Verdict>>} answers given here, by `call suggestion`
 * @property {ReadonlySet<string>} read whispers that were read here, by `call id`
 * @property {readonly import('./wire.js').UnboundCall[]} unbound calls without an agent that may be claimed
 * @property {{call: string, why: string}|null} released the call that was last taken from here
 */
import { emptyCall, reduce } from './call-state.js'
import { isCallEvent } from './wire.js'

const ENDED_KEPT = 3
const ANSWERS_KEPT = 300

/** @type {AgentState} */
export const NO_CALLS = {
  hello: null, calls: [], selected: '', unsure: new Set(), answers: {}, read: new Set(), released: null, unbound: [],
}

/** @param {AgentState} state @param {Message|Own} action @returns {AgentState} */
export function advance(state, action) {
  switch (action.type) {
    case 'hello':
      // A server that knows of no call without an agent says nothing of them.
      return { ...state, hello: action, unbound: [] }
    case 'unbound':
      return { ...state, unbound: action.calls }
    case 'snapshot':
      return began(state, reduce(emptyCall(action.call), action))
    case 'select':
      return find(state, action.call) ? { ...state, selected: action.call } : state
    case 'reopened':
      return { ...state, unsure: new Set(state.calls.filter((one) => one.live).map((one) => one.call)) }
    case 'settled':
      return settled(state)
    case 'answered': {
      const answers = { ...state.answers, [`${action.call} ${action.suggestion}`]: action.verdict }
      return { ...state, answers: Object.fromEntries(Object.entries(answers).slice(-ANSWERS_KEPT)) }
    }
    case 'read':
      return { ...state, read: new Set([...[...state.read].slice(-99), `${action.call} ${action.whisper}`]) }
    case 'released':
      return released(state, action)
    default:
      return isCallEvent(/** @type {Message} */ (action))
        ? heard(state, /** @type {import('./wire.js').CallEvent} */ (action))
        : state
  }
}

/** @param {AgentState} state @param {string} call */
export const find = (state, call) => state.calls.find((one) => one.call === call)

/** @param {AgentState} state */
export const shown = (state) => find(state, state.selected)

/** @param {AgentState} state @param {CallState} call @returns {AgentState} */
function began(state, call) {
  const known = find(state, call.call)
  const calls = known
    ? state.calls.map((one) => (one.call === call.call ? call : one))
    : [...state.calls, call]
  const unsure = without(state.unsure, call.call)
  const selected = known ? state.selected : next(state, call)
  return { ...state, unsure, selected, calls: trim(calls, selected), released: null }
}

/** A call that was transferred is somebody else's now. @param {AgentState} state @param {import('./wire.js').Released} message @returns {AgentState} */
function released(state, { call, why }) {
  if (!find(state, call)) return state
  const calls = state.calls.filter((one) => one.call !== call)
  const selected = state.selected === call ? ([...calls].reverse().find((one) => one.live)?.call ?? '') : state.selected
  return { ...state, calls, selected, unsure: without(state.unsure, call), released: { call, why } }
}

/** A live call is never taken from under the agent's eyes. @param {AgentState} state @param {CallState} call */
const next = (state, call) => (shown(state)?.live ? state.selected : call.call)

/** @param {AgentState} state @param {import('./wire.js').CallEvent} event @returns {AgentState} */
function heard(state, event) {
  const known = find(state, event.call)
  // Without its beginning a call cannot be shown truthfully: wait for its snapshot.
  if (!known) return state
  const calls = state.calls.map((one) => (one === known ? reduce(one, event) : one))
  return { ...state, calls, unsure: without(state.unsure, event.call) }
}

/** What the server did not mention when the link came back is over. @param {AgentState} state @returns {AgentState} */
function settled(state) {
  if (state.unsure.size === 0) return state
  const calls = state.calls.map((one) =>
    state.unsure.has(one.call)
      ? { ...one, live: false, ended: { why: 'unseen', duration_ms: one.at_ms } }
      : one,
  )
  return { ...state, calls, unsure: new Set() }
}

/** @param {readonly CallState[]} calls @param {string} selected */
function trim(calls, selected) {
  const ended = calls.filter((one) => !one.live && one.call !== selected)
  const drop = new Set(ended.slice(0, Math.max(0, ended.length - ENDED_KEPT)))
  return drop.size ? calls.filter((one) => !drop.has(one)) : calls
}

/** @param {ReadonlySet<string>} set @param {string} value */
function without(set, value) {
  if (!set.has(value)) return set
  const rest = new Set(set)
  rest.delete(value)
  return rest
}
