/**
 * PURE. What the small charts of an agent need: the last values of two metrics.
 * @typedef {{rate: readonly number[], talk_share: readonly number[]}} Chart
 * @typedef {ReadonlyMap<string, Chart>} Charts
 */

const POINTS = 40
/** @type {Chart} */
export const NO_CHART = { rate: [], talk_share: [] }

/**
 * Adds what an event tells about an agent, in place: the caller owns the copy.
 * @param {Map<string, Chart>} charts @param {string} agent @param {import('./wire.js').CallEvent} event
 */
export function charted(charts, agent, event) {
  if (event.type !== 'metric' || event.party !== 'agent' || !agent) return
  if (event.name !== 'rate' && event.name !== 'talk_share') return
  const chart = charts.get(agent) ?? NO_CHART
  charts.set(agent, { ...chart, [event.name]: [...chart[event.name].slice(1 - POINTS), event.value] })
}

/**
 * What is known of an agent when the board opens: one point. @param {Map<string, Chart>} charts
 * @param {string} agent @param {Readonly<Record<string, number>>} metrics by `party.name`
 */
export function beginChart(charts, agent, metrics) {
  if (!agent || charts.has(agent)) return
  const first = (/** @type {string} */ name) => (metrics[name] === undefined ? [] : [metrics[name]])
  charts.set(agent, { rate: first('agent.rate'), talk_share: first('agent.talk_share') })
}

/**
 * One line an agent, by name: what is live, how many cards came in an hour of calls.
 * @param {Iterable<import('./board-state.js').Row>} rows
 */
export function byAgent(rows) {
  /** @type {Map<string, {agent: string, calls: string[], cards: number, at_ms: number, raised: boolean}>} */
  const found = new Map()
  for (const { call, info, live, cards, at_ms, raised } of rows) {
    if (!info.agent) continue
    const one = found.get(info.agent) ?? { agent: info.agent, calls: [], cards: 0, at_ms: 0, raised: false }
    if (live) one.calls.push(call)
    one.cards += cards
    one.at_ms += at_ms
    one.raised ||= raised && live
    found.set(info.agent, one)
  }
  return [...found.values()]
    .map((one) => ({ ...one, cards_per_hour: one.at_ms >= 60_000 ? (one.cards * 3_600_000) / one.at_ms : null }))
    .sort((a, b) => Number(b.raised) - Number(a.raised) || (a.agent < b.agent ? -1 : 1))
}
