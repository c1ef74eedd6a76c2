/**
 * PURE. How a rule does: what it showed, and what agents made of it.
 * @typedef {{rule: string, category: string, severity: string, title: string, pack?: string, version?: unknown,
 *   hits: number, shown: number, used: number, dismissed: number, wrong: number, said: number}} RuleCount
 * @typedef {RuleCount & {adoption: number|null, override: number|null}} RuleFigures
 */

/** @param {RuleCount} one @returns {RuleFigures} rates from 0 to 1; null while nothing was shown */
export function figures(one) {
  const of = (/** @type {number} */ n) => (one.shown > 0 ? Math.min(1, n / one.shown) : null)
  return { ...one, adoption: of(one.used + one.said), override: of(one.dismissed + one.wrong) }
}

/**
 * @param {readonly RuleFigures[]} rules @param {string} text @param {keyof RuleFigures} by the largest first; unknown last
 */
export function sifted(rules, text, by) {
  const wanted = text.trim().toLowerCase()
  const found = rules.filter((one) => [one.rule, one.title, one.category].some((part) => part.toLowerCase().includes(wanted)))
  return found.sort((a, b) => {
    const [left, right] = [a[by], b[by]]
    if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
    return (typeof right === 'number' ? right : -1) - (typeof left === 'number' ? left : -1)
  })
}
