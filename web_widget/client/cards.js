/**
 * PURE. Which cards are on screen, and in which order: the most urgent first, at most three,
 * and none of them moves while a pointer or the keyboard is on them.
 * @typedef {import('./call-state.js').CallState} CallState
 * @typedef {Object} Card
 * @property {string} id of the suggestion, or of the alert when nothing was suggested
 * @property {string} call
 * @property {number} seq of the event that it shows
 * @property {string} say empty for a warning without a sentence
 * @property {string} title
 * @property {string} quote the words that caused it
 * @property {import('./wire.js').Party} party whose words these are
 * @property {import('./wire.js').Severity} severity
 * @property {import('./wire.js').State} state
 * @property {string} category
 * @property {number} at_ms audio time at which the words had been spoken
 * @property {boolean} likely heard by its sound only (疑似)
 * @property {boolean} gone withdrawn, but kept in place under the pointer
 */
import { rank } from './wire.js'

export const AT_MOST = 3

/** Every card that may be shown, most urgent first. @param {CallState} state
 * @param {Readonly<Record<string, string>>} answers by `call suggestion` @returns {Card[]} */
export function candidates(state, answers) {
  if (!state.live) return []
  const alerts = new Map(state.alerts.map((one) => [one.id, one]))
  const cards = state.suggestions
    .filter((one) => !state.verdicts[one.id] && !answers[`${state.call} ${one.id}`])
    .map((one) => fromSuggestion(one, alerts.get(one.alert)))
  // Danger is shown even when there is no sentence for it.
  const helped = new Set(state.suggestions.map((one) => one.alert))
  for (const alert of state.alerts) {
    const answered = state.verdicts[alert.id] ?? answers[`${state.call} ${alert.id}`]
    if (alert.severity === 'critical' && !helped.has(alert.id) && !answered) cards.push(fromAlert(alert))
  }
  return cards.sort((a, b) => rank(b.severity) - rank(a.severity) || b.at_ms - a.at_ms || b.seq - a.seq)
}

/** @param {import('./wire.js').Suggestion} one @param {import('./wire.js').Alert|undefined} alert @returns {Card} */
function fromSuggestion(one, alert) {
  const evidence = alert?.evidence[0]
  return {
    id: one.id, call: one.call, seq: one.seq, say: one.say, title: alert?.title ?? '',
    quote: evidence?.text || one.why, party: evidence?.party ?? 'customer',
    severity: one.severity, state: one.state, category: one.category || (alert?.category ?? ''),
    at_ms: evidence?.end_ms ?? one.heard_ms ?? one.at_ms, likely: evidence?.path === 'pinyin', gone: false,
  }
}

/** @param {import('./wire.js').Alert} one @returns {Card} */
function fromAlert(one) {
  const evidence = one.evidence[0]
  return {
    id: one.id, call: one.call, seq: one.seq, say: '', title: one.title,
    quote: evidence?.text ?? '', party: evidence?.party ?? 'customer', severity: one.severity,
    state: one.state, category: one.category, at_ms: evidence?.end_ms ?? one.at_ms,
    likely: evidence?.path === 'pinyin', gone: false,
  }
}

/**
 * The cards to show next. With `hold`, cards on screen keep their place (a withdrawn one stays as
 * `gone`) and new ones take free places, or the place of a withdrawn or less urgent one that is
 * not `kept` (the one under the pointer or in focus).
 * @param {readonly Card[]} before @param {readonly Card[]} ranked
 * @param {{hold: boolean, kept?: string}} how @returns {Card[]}
 */
export function arrange(before, ranked, { hold, kept }) {
  if (!hold) return ranked.slice(0, AT_MOST)
  const now = new Map(ranked.map((one) => [one.id, one]))
  const places = before.map((one) => now.get(one.id) ?? { ...one, gone: true })
  const waiting = ranked.filter((one) => !places.some((place) => place.id === one.id))
  for (const card of waiting) {
    if (places.length < AT_MOST) places.push(card)
    else {
      const at = weakest(places, kept)
      if (at >= 0 && (places[at].gone || rank(places[at].severity) < rank(card.severity))) places[at] = card
    }
  }
  return places
}

/** @param {readonly Card[]} places @param {string|undefined} kept */
function weakest(places, kept) {
  let at = -1
  for (let i = places.length - 1; i >= 0; i--) {
    if (places[i].id === kept) continue
    if (at < 0 || weight(places[i]) < weight(places[at])) at = i
  }
  return at
}

/** @param {Card} card */
const weight = (card) => (card.gone ? -1 : rank(card.severity))
