/**
 * PURE. Every live call as one row for the lead: `advanceBoard(state, messages) → state`.
 * Messages are taken by the handful (all that came since the last frame), so that three hundred
 * calls cost one copy of the map a frame and not one an event.
 * @typedef {import('./wire.js').Alert} Alert
 * @typedef {import('./wire.js').CallEvent} CallEvent
 * @typedef {import('./wire.js').BoardCall} BoardCall
 * @typedef {import('./wire.js').Severity} Severity
 * @typedef {import('./wire.js').LeadAction} LeadAction
 * @typedef {import('./wire.js').Spike} Spike
 *
 * @typedef {Object} Row
 * @property {string} call
 * @property {import('./wire.js').Info} info
 * @property {boolean} live
 * @property {number} at_ms audio time
 * @property {number} seq
 * @property {readonly Alert[]} alerts that stand, oldest cause first
 * @property {Readonly<Record<string, string>>} says what was suggested, by alert id
 * @property {Readonly<Record<string, number>>} metrics by `party.name`
 * @property {boolean} raised whether the agent asks for help
 * @property {readonly LeadAction[]} actions of leads, oldest first
 * @property {number} cards suggestions so far
 * @property {string} last the last words that were final, and whose
 * @property {string} lastParty
 * @property {Severity|''} severity how bad it is now
 * @property {number} heat orders the rows; the same number means equally urgent
 *
 * @typedef {{call: string, alert: Alert}} FeedItem
 * @typedef {Object} BoardState
 * @property {import('./wire.js').Hello|null} hello
 * @property {boolean} loaded
 * @property {ReadonlyMap<string, Row>} rows
 * @property {readonly FeedItem[]} feed newest first
 * @property {readonly Spike[]} spikes that go on
 * @property {import('./wire.js').Nodes|null} nodes of a site that has several
 * @property {import('./agent-charts.js').Charts} charts by agent
 */
import { beginChart, charted } from './agent-charts.js'
import { rank, SEVERITIES } from './wire.js'

const ALERTS_KEPT = 60
const FEED_KEPT = 120
const ENDED_KEPT = 30
const SPIKES_KEPT = 8
const ACTIONS_KEPT = 30
/** Whoever asks for help comes before every alert. */
const RAISED = 100
/** After this much audio an alert that nothing followed counts one step lower, then two. */
const COOLS_AFTER = [120_000, 300_000]

/** @type {BoardState} */
export const EMPTY_BOARD = {
  hello: null, loaded: false, rows: new Map(), feed: [], spikes: [], nodes: null, charts: new Map(),
}

/** @param {BoardState} state @param {readonly import('./wire.js').Message[]} messages @returns {BoardState} */
export function advanceBoard(state, messages) {
  const rows = new Map(state.rows)
  const charts = new Map(state.charts)
  let { hello, loaded, feed, spikes, nodes } = state
  for (const message of messages) {
    if (message.type === 'hello') hello = message
    else if (message.type === 'nodes') nodes = message
    else if (message.type === 'board') {
      loaded = true
      feed = replaceAll(rows, message.calls)
      for (const { info, metrics } of message.calls) beginChart(charts, info.agent ?? '', metrics)
    } else if (message.type === 'spike') {
      const others = spikes.filter((one) => one.topic !== message.topic || one.category !== message.category)
      spikes = message.state === 'on' ? [...others, message].slice(-SPIKES_KEPT) : others
    } else if ('seq' in message && 'at_ms' in message && message.type !== 'snapshot') {
      const row = rows.get(message.call) ?? newRow(message.call)
      if (message.seq <= row.seq) continue
      const next = heated(hear(row, message))
      rows.set(message.call, next)
      charted(charts, next.info.agent ?? '', message)
      feed = fed(feed, message)
    }
  }
  return { hello, loaded, rows: trimmed(rows), feed, spikes, nodes, charts }
}

/** @param {string} call @returns {Row} */
function newRow(call) {
  return {
    call, info: {}, live: true, at_ms: 0, seq: 0, alerts: [], says: {}, metrics: {},
    raised: false, actions: [], cards: 0, last: '', lastParty: '', severity: '', heat: 0,
  }
}

/** What the server says now replaces all that we believed. @param {Map<string, Row>} rows @param {BoardCall[]} calls */
function replaceAll(rows, calls) {
  const before = new Map(rows)
  rows.clear()
  /** @type {FeedItem[]} */
  const feed = []
  for (const { call, info, live, at_ms, seq, alerts, suggestions, metrics, actions, hand } of calls) {
    const { last, lastParty, cards } = before.get(call) ?? newRow(call)
    const says = Object.fromEntries(suggestions.map((one) => [one.alert, one.say]))
    const kept = alerts.slice(-ALERTS_KEPT)
    rows.set(call, heated({ ...newRow(call), info, live, at_ms, seq, alerts: kept, says, metrics, last, lastParty, cards: Math.max(cards, suggestions.length), raised: hand === true, actions: actions ?? [] }))
    for (const alert of alerts) feed.push({ call, alert })
  }
  return feed.sort((a, b) => firedAt(b.alert) - firedAt(a.alert)).slice(0, FEED_KEPT)
}

/** @param {Alert} alert wall time where known, so that calls compare */
export const firedAt = (alert) => alert.stamps?.fired ?? alert.stamps?.sent ?? 0

/** @param {Row} row @param {CallEvent} event @returns {Row} */
function hear(row, event) {
  const next = { ...row, seq: event.seq, at_ms: Math.max(row.at_ms, event.at_ms) }
  switch (event.type) {
    case 'transcript':
      return event.final && event.text ? { ...next, last: event.text.slice(-80), lastParty: event.party } : next
    case 'alert': {
      const alerts = [...row.alerts.filter((one) => one.id !== event.id), event].slice(-ALERTS_KEPT)
      return { ...next, alerts }
    }
    case 'suggestion':
      // Kept after the card expires: the lead asks what was suggested, not what is on screen.
      return { ...next, cards: row.cards + (event.alert in row.says ? 0 : 1), says: lastSaid(row.says, event) }
    case 'hand':
      return { ...next, raised: event.raised }
    case 'action':
      return { ...next, actions: [...row.actions.filter((one) => one.id !== event.id), event].slice(-ACTIONS_KEPT) }
    case 'retraction':
      return { ...next, alerts: row.alerts.filter((one) => one.id !== event.id) }
    case 'metric':
      return { ...next, metrics: { ...row.metrics, [`${event.party}.${event.name}`]: event.value } }
    case 'status':
      if (event.name === 'agent_changed') return { ...next, info: { ...row.info, agent: String(event.detail.agent ?? '') } }
      if (event.name === 'call_started') return { ...next, info: { ...row.info, ...known(event.detail) } }
      return event.name === 'call_ended' ? { ...next, live: false } : next
    default:
      return next
  }
}

/** @param {Readonly<Record<string, string>>} says @param {import('./wire.js').Suggestion} event */
const lastSaid = (says, { alert, say }) => Object.fromEntries(Object.entries({ ...says, [alert]: say }).slice(-ALERTS_KEPT))

/** @param {Record<string, any>} detail */
const known = (detail) => Object.fromEntries(Object.entries(detail).filter(([, value]) => value != null))

/**
 * Worst alert that still stands, cooled by the audio time since; danger and vetoes do not cool.
 * @param {Row} row @returns {Row}
 */
function heated(row) {
  let heat = 0
  for (const { id, severity, evidence, at_ms } of row.alerts) {
    if (handled(row, id) === 'resolve') continue
    const age = row.at_ms - (evidence[0]?.end_ms ?? at_ms)
    const cooled = rank(severity) >= rank('veto') ? 0 : COOLS_AFTER.filter((limit) => age > limit).length
    heat = Math.max(heat, 1 + rank(severity) - cooled)
  }
  return { ...row, heat: heat + (row.raised ? RAISED : 0), severity: heat > 0 ? SEVERITIES[heat - 1] : '' }
}

/** What a lead did last about an alert. @param {Row} row @param {string} alert @returns {LeadAction['kind']|''} */
export function handled({ actions }, alert) {
  return actions.filter((one) => one.alert === alert && one.kind !== 'note').at(-1)?.kind ?? ''
}

/** The alert that the row is about: the last of the worst. @param {Row} row @returns {Alert|undefined} */
export function headline(row) {
  const open = row.alerts.filter((one) => handled(row, one.id) !== 'resolve')
  const worst = Math.max(-1, ...open.map((one) => rank(one.severity)))
  return open.filter((one) => rank(one.severity) === worst).at(-1)
}

/** @param {readonly FeedItem[]} feed @param {CallEvent} event @returns {readonly FeedItem[]} */
function fed(feed, event) {
  if (event.type === 'retraction') {
    return feed.filter(({ call, alert }) => call !== event.call || alert.id !== event.id)
  }
  if (event.type !== 'alert') return feed
  const at = feed.findIndex(({ call, alert }) => call === event.call && alert.id === event.id)
  const item = { call: event.call, alert: event }
  // A confirmation stays where it was; only something new moves the list.
  if (at >= 0) return feed.map((one, i) => (i === at ? item : one))
  return [item, ...feed].slice(0, FEED_KEPT)
}

/** @param {Map<string, Row>} rows */
function trimmed(rows) {
  const ended = [...rows.values()].filter((row) => !row.live)
  for (const row of ended.slice(0, Math.max(0, ended.length - ENDED_KEPT))) rows.delete(row.call)
  return rows
}
