/**
 * PURE. The order of the rows: worst first, but a row only moves when that tells something, and
 * never while somebody points at the list.
 * @typedef {import('./board-state.js').Row} Row
 */
import { rank } from './wire.js'

/**
 * @param {readonly string[]} before the order on screen @param {Iterable<Row>} rows live calls
 * @param {{hold?: boolean}} how @returns {string[]} calls
 */
export function order(before, rows, { hold = false } = {}) {
  const now = new Map([...rows].map((row) => [row.call, row]))
  const stay = before.filter((call) => now.has(call))
  const known = new Set(stay)
  const fresh = [...now.keys()].filter((call) => !known.has(call))
  if (hold) return [...stay, ...fresh]
  const all = [...stay, ...fresh]
  const place = new Map(all.map((call, i) => [call, i]))
  const heat = (/** @type {string} */ call) => /** @type {Row} */ (now.get(call)).heat
  // Equally urgent rows keep the order they have: nothing overtakes without a reason.
  return all.sort((a, b) => heat(b) - heat(a) || Number(place.get(a)) - Number(place.get(b)))
}

/**
 * @param {Row} row @param {{text?: string, severity?: import('./wire.js').Severity|'', queue?: string, tier?: string,
 *   calls?: readonly string[]|null}} filter severity: at least that; calls: only these
 */
export function matches(row, { text = '', severity = '', queue = '', tier = '', calls = null }) {
  if (queue && row.info.queue !== queue) return false
  if (tier && row.info.tier !== tier) return false
  if (calls && !calls.includes(row.call)) return false
  if (severity && row.heat < 1 + rank(severity)) return false
  const wanted = text.trim().toLowerCase()
  if (!wanted) return true
  const { info } = row
  return [row.call, info.agent, info.queue, info.tier, info.brand, row.last, ...row.alerts.map((one) => one.title)].some((one) =>
    one?.toLowerCase().includes(wanted),
  )
}
