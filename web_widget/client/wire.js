/**
 * The wire, as server/PROTOCOL.md states it: typedefs of every message that comes down, and
 * `parse`, which lets nothing else into the client. Names are the wire's own.
 */
import { array, bool, check, int, number, object, oneOf, optional, record, string } from './shape.js'

export const VERSION = 1

/** Least to most urgent. `critical` is danger to people, `veto` fails the call (一票否决). */
export const SEVERITIES = /** @type {const} */ (['info', 'low', 'medium', 'high', 'veto', 'critical'])
export const VERDICTS = /** @type {const} */ (['used', 'dismissed', 'wrong'])
const PARTIES = /** @type {const} */ (['agent', 'customer', 'unknown'])

export const ACTIONS = /** @type {const} */ (['acknowledge', 'assign', 'resolve', 'note'])
export const MARKS = /** @type {const} */ (['right', 'wrong', 'missed'])

/**
 * @typedef {'agent'|'customer'|'unknown'} Party
 * @typedef {'info'|'low'|'medium'|'high'|'critical'|'veto'} Severity
 * @typedef {'tentative'|'confirmed'} State
 * @typedef {'used'|'dismissed'|'wrong'} Verdict
 * @typedef {{party: Party, utterance: string, revision: number, start: number, end: number,
 *   text: string, start_ms: number, end_ms: number, path: string}} Evidence
 *   `start` and `end` count characters (code points) of the utterance's text at `revision`.
 * @typedef {{call: string, seq: number, at_ms: number, heard_ms?: number|null,
 *   stamps?: Record<string, number>}} Envelope
 * @typedef {Envelope & {type: 'transcript', party: Party, utterance: string, revision: number,
 *   text: string, stable: number, final: boolean, start_ms: number, end_ms: number}} Transcript
 * @typedef {Envelope & {type: 'alert', id: string, rule: string, category: string,
 *   severity: Severity, title: string, evidence: Evidence[], state: State,
 *   trace?: string[]}} Alert
 * @typedef {Envelope & {type: 'suggestion', id: string, alert: string, rule: string, say: string,
 *   why: string, state: State, severity: Severity, category: string}} Suggestion
 * @typedef {Envelope & {type: 'suppressed', alert: string, rule: string, why: string}} Suppressed
 * @typedef {Envelope & {type: 'retraction', id: string, why: string}} Retraction
 * @typedef {Envelope & {type: 'step', list: string, step: string, title: string,
 *   state: 'open'|'done'|'due'|'skipped', evidence: Evidence[]}} Step
 * @typedef {Envelope & {type: 'commitment', id: string, text: string, due: string,
 *   state: 'made'|'withdrawn', evidence: Evidence[]}} Commitment
 * @typedef {Envelope & {type: 'metric', party: Party, name: string, value: number}} Metric
 * @typedef {Envelope & {type: 'status', name: string,
 *   detail: Record<string, string|number|boolean|null>}} Status
 * @typedef {Envelope & {type: 'whisper', id: string, by: string, text: string}} Whisper
 * @typedef {Envelope & {type: 'hand', raised: boolean, by: string}} Hand
 * @typedef {Envelope & {type: 'action', id: string, kind: 'acknowledge'|'assign'|'resolve'|'note',
 *   alert: string, by: string, to: string, text: string}} LeadAction
 * @typedef {Envelope & {type: 'mark', id: string, by: string, verdict: 'right'|'wrong'|'missed',
 *   alert: string, category: string, utterance: string, quote: string, note: string}} Mark
 * @typedef {Transcript|Alert|Suggestion|Suppressed|Retraction|Step|Commitment|Metric|Status
 *   |Whisper|Hand|LeadAction|Mark} CallEvent
 * @typedef {{type: 'released', call: string, why: string}} Released
 * @typedef {{type: 'spike', topic: string, category: string, calls: string[], count: number,
 *   baseline: number, window_ms: number, state: 'on'|'off'}} Spike
 * @typedef {{call: string, queue?: string|null, started_at?: string|null}} UnboundCall
 * @typedef {{type: 'unbound', calls: UnboundCall[]}} UnboundCalls  those that this agent may claim
 * @typedef {{type: 'nodes', state: 'together'|'alone', node: string, seen: string[]}} Nodes
 * @typedef {{agent?: string|null, queue?: string|null, tier?: string|null, brand?: string|null,
 *   started_at?: string|null, attributes?: Record<string, string>}} Info
 * @typedef {{name: string, demonstration: boolean, degraded?: boolean}} Recogniser
 * @typedef {{type: 'hello', v: number, recogniser: Recogniser}} Hello
 * @typedef {{type: 'snapshot', call: string, info: Info, live: boolean, seq: number,
 *   at_ms: number, events: CallEvent[]}} Snapshot
 * @typedef {{call: string, info: Info, live: boolean, at_ms: number, seq: number,
 *   alerts: Alert[], suggestions: Suggestion[], metrics: Record<string, number>, actions?: LeadAction[]|null,
 *   hand?: boolean|null}} BoardCall
 * @typedef {{type: 'board', calls: BoardCall[]}} Board
 * @typedef {{type: 'pong', id?: string|number|null}} Pong
 * @typedef {{type: 'error', code: string, message: string, retry_after_s?: number|null}} WireFault
 * @typedef {{type: 'unknown', name: string}} Unknown  A type this client is too old for.
 * @typedef {Hello|Snapshot|Board|Released|Spike|UnboundCalls|Nodes|Pong|WireFault|Unknown|CallEvent} Message
 */

/** A message that is not what the protocol promises; the text names the field. */
export class WireError extends Error {}

const severity = oneOf(SEVERITIES)
const state = oneOf(['tentative', 'confirmed'])
const text = string(200_000)
const name = string(512)

const envelope = {
  call: name, seq: int, at_ms: number,
  heard_ms: optional(number), stamps: optional(record(number)),
}
const evidence = object({
  party: oneOf(PARTIES), utterance: name, revision: int, start: int, end: int,
  text, start_ms: number, end_ms: number, path: name,
})
const EVENTS = {
  transcript: object({
    ...envelope, party: oneOf(PARTIES), utterance: name, revision: int, text, stable: int,
    final: bool, start_ms: number, end_ms: number,
  }),
  alert: object({
    ...envelope, id: name, rule: name, category: name, severity, title: text, state,
    evidence: array(evidence), trace: optional(array(text)),
  }),
  suggestion: object({
    ...envelope, id: name, alert: name, rule: name, say: text, why: text, state, severity,
    category: name,
  }),
  suppressed: object({ ...envelope, alert: name, rule: name, why: text }),
  retraction: object({ ...envelope, id: name, why: text }),
  step: object({
    ...envelope, list: name, step: name, title: text, state: oneOf(['open', 'done', 'due', 'skipped']),
    evidence: array(evidence),
  }),
  commitment: object({
    ...envelope, id: name, text, due: text, state: oneOf(['made', 'withdrawn']), evidence: array(evidence),
  }),
  whisper: object({ ...envelope, id: name, by: name, text }),
  hand: object({ ...envelope, raised: bool, by: name }),
  action: object({ ...envelope, id: name, kind: oneOf(ACTIONS), alert: name, by: name, to: name, text }),
  mark: object({
    ...envelope, id: name, by: name, verdict: oneOf(MARKS), alert: name, category: name,
    utterance: name, quote: text, note: text,
  }),
  metric: object({ ...envelope, party: oneOf(PARTIES), name, value: number }),
  status: object({ ...envelope, name, detail: record() }),
}
const info = object({
  agent: optional(name), queue: optional(name), tier: optional(name), brand: optional(name),
  started_at: optional(name), attributes: optional(record()),
})
/** @type {import('./shape.js').Shape} */
const event = (value, path) => {
  const type = value?.type
  if (!Object.hasOwn(EVENTS, type)) throw new WireError(`${path}.type: "${type}" is not a call event`)
  EVENTS[/** @type {keyof typeof EVENTS} */ (type)](value, type)
}
const recogniser = object({ name, demonstration: bool, degraded: optional(bool) })
const MESSAGES = {
  ...EVENTS,
  hello: object({ v: int, recogniser }),
  snapshot: object({ call: name, info, live: bool, seq: int, at_ms: number, events: array(event) }),
  board: object({
    calls: array(object({
      call: name, info, live: bool, at_ms: number, seq: int, alerts: array(EVENTS.alert),
      suggestions: array(EVENTS.suggestion), metrics: record(number),
      actions: optional(array(EVENTS.action)), hand: optional(bool),
    })),
  }),
  released: object({ call: name, why: text }),
  spike: object({
    topic: text, category: name, calls: array(name), count: number, baseline: number,
    window_ms: number, state: oneOf(['on', 'off']),
  }),
  unbound: object({ calls: array(object({ call: name, queue: optional(name), started_at: optional(name) })) }),
  nodes: object({ state: oneOf(['together', 'alone']), node: name, seen: array(name) }),
  pong: object({}),
  error: object({ code: name, message: text, retry_after_s: optional(number) }),
}

/**
 * The message of one text frame. Fields that a newer server adds are let through unread, and so
 * is a whole new type (as `unknown`); a field that is wrong throws {@link WireError}.
 * @param {unknown} frame @returns {Message}
 */
export function parse(frame) {
  return read(unpack(frame)[0])
}

/**
 * What a frame holds: one message, or an array of them from a board, which asks for batches.
 * @param {unknown} frame @returns {unknown[]}
 */
export function unpack(frame) {
  if (typeof frame !== 'string') throw new WireError('a text message was expected')
  try {
    const value = JSON.parse(frame)
    return Array.isArray(value) ? value : [value]
  } catch {
    throw new WireError('not JSON')
  }
}

/** One message of a frame, judged as {@link parse} does. @param {any} value @returns {Message} */
export function read(value) {
  const type = value?.type
  if (typeof type !== 'string') throw new WireError('type: a string was expected')
  if (!Object.hasOwn(MESSAGES, type)) return { type: 'unknown', name: type.slice(0, 64) }
  check(MESSAGES[/** @type {keyof typeof MESSAGES} */ (type)], value, type, WireError)
  if (type === 'hello' && value.v !== VERSION) {
    throw new WireError(`hello.v: version ${value.v}, this client speaks ${VERSION}`)
  }
  return value
}

/** @param {Message} message @returns {message is CallEvent} */
export const isCallEvent = (message) => Object.hasOwn(EVENTS, message.type)

/** How urgent, as a number that can be compared. @param {Severity} value */
export const rank = (value) => SEVERITIES.indexOf(value)
