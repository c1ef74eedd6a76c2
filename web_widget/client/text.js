/** PURE. Text as the wire counts it: in characters (code points), not in JavaScript's halves. */

const BEYOND = /[\uD800-\uDFFF]/

/** @param {string} text @param {number} start @param {number} [end] in characters */
export function cut(text, start, end) {
  return BEYOND.test(text) ? [...text].slice(start, end).join('') : text.slice(start, end)
}

/** @param {string} text in characters */
export const length = (text) => (BEYOND.test(text) ? [...text].length : text.length)

/**
 * At most `limit` characters; `clipped` says that there is more.
 * @param {string} text @param {number} limit @param {'start'|'end'} [from] which end to keep
 */
export function clip(text, limit, from = 'start') {
  if (text.length <= limit || length(text) <= limit) return { text, clipped: false }
  const whole = length(text)
  return from === 'start'
    ? { text: `${cut(text, 0, limit)}…`, clipped: true }
    : { text: `…${cut(text, whole - limit)}`, clipped: true }
}

/** Audio time as minutes and seconds, `1:02:03` beyond an hour. @param {number} ms */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0')
  const minutes = Math.floor(s / 60) % 60
  const hours = Math.floor(s / 3600)
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${two(minutes)}:${two(s % 60)}`
}
