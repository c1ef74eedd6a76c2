/**
 * PURE. An utterance as a row of spans: solid where it will not change, lighter where it may,
 * marked where an alert rests on it.
 * @typedef {{text: string, kind: 'stable'|'tail', mark: import('./wire.js').Severity|''}} Span
 * @typedef {import('./wire.js').Transcript} Transcript
 * @typedef {import('./wire.js').Alert} Alert
 */
import { cut, length } from './text.js'
import { rank } from './wire.js'

/** @param {Transcript} utterance @param {readonly Alert[]} alerts @returns {Span[]} */
export function spans(utterance, alerts) {
  const { text } = utterance
  const whole = length(text)
  const stable = utterance.final ? whole : Math.min(utterance.stable, whole)
  const marks = marksOn(utterance, alerts)
  const edges = new Set([0, stable, whole])
  for (const one of marks) edges.add(one.start).add(one.end)
  const sorted = [...edges].sort((a, b) => a - b)
  /** @type {Span[]} */
  const out = []
  for (let i = 0; i + 1 < sorted.length; i++) {
    const [start, end] = [sorted[i], sorted[i + 1]]
    const over = marks.filter((one) => one.start <= start && end <= one.end)
    const worst = over.sort((a, b) => rank(b.severity) - rank(a.severity))[0]
    out.push({ text: cut(text, start, end), kind: start < stable ? 'stable' : 'tail', mark: worst?.severity ?? '' })
  }
  return out
}

/**
 * Offsets belong to the revision that the rule saw; a mark is drawn only where the same words
 * still stand. @param {Transcript} utterance @param {readonly Alert[]} alerts
 */
function marksOn({ utterance, text }, alerts) {
  const out = []
  for (const { severity, evidence } of alerts) {
    for (const one of evidence) {
      if (one.utterance !== utterance || one.end <= one.start) continue
      if (cut(text, one.start, one.end) === one.text) out.push({ start: one.start, end: one.end, severity })
    }
  }
  return out
}
