/**
 * PURE. Checklists: the steps in the order of work. Every step comes as `open` when its list
 * begins, but a snapshot only carries the last word on each, so the order cannot come from the
 * order of arrival: it is known here. A site's own steps follow, by name.
 * @typedef {import('./wire.js').Step} Step
 */

/** @type {Record<string, readonly string[]>} */
const ORDER = {
  flow: ['opening', 'identity', 'paraphrase', 'solution', 'more_help', 'closing'],
  '7a': ['accept', 'apologise', 'understand', 'explore', 'propose', 'agree', 'promise'],
}
const LISTS = Object.keys(ORDER)

/** @param {readonly string[]} known @param {string} name */
const place = (known, name) => (known.includes(name) ? known.indexOf(name) : known.length)

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** @param {Step} a @param {Step} b */
function byWork(a, b) {
  const lists = place(LISTS, a.list) - place(LISTS, b.list) || compare(a.list, b.list)
  const order = ORDER[a.list] ?? []
  return lists || place(order, a.step) - place(order, b.step) || compare(a.step, b.step)
}

/** @param {readonly Step[]} steps @param {Step} next @returns {readonly Step[]} */
export function withStep(steps, next) {
  const at = steps.findIndex((one) => one.list === next.list && one.step === next.step)
  if (at >= 0) return steps.map((one, i) => (i === at ? next : one))
  return [...steps, next].sort(byWork).slice(0, 60)
}

/**
 * One entry a list: how far it is, and what comes next (what is due first, else the first open one).
 * @param {readonly Step[]} steps
 */
export function checklists(steps) {
  return [...new Set(steps.map((one) => one.list))].map((list) => {
    const own = steps.filter((one) => one.list === list)
    const next = own.find((one) => one.state === 'due') ?? own.find((one) => one.state === 'open')
    return { list, steps: own, done: own.filter((one) => one.state === 'done').length, next }
  })
}
