/**
 * PURE. A rule's fields as people type them, and back.
 * @typedef {{id: string, title: string, category: string, severity: string, role: string, suggestion: string,
 *   tier: string[], brand: string[], queue: string[], phrases: string[], except: string[],
 *   fires: string[], silent: string[], brands: Record<string, string>, plain: boolean,
 *   lines: Record<string, [number, number]>}} RuleFields
 * @typedef {{file: string, line: number, column: number, message: string, warning?: boolean}} Problem
 */

const BY_LINE = new Set(['phrases', 'except', 'fires', 'silent'])
const BY_COMMA = new Set(['tier', 'brand', 'queue'])
const SLOT = /\{[^{}]*\}/g

/** What a field's value looks like while it is edited. @param {string} name @param {any} value @returns {string} */
export function textOf(name, value) {
  if (BY_LINE.has(name)) return value.join('\n')
  if (BY_COMMA.has(name)) return value.join(', ')
  if (name === 'brands') return pairsOf(value).map(([brand, say]) => `${brand} = ${say}`).join('\n')
  return value
}

/** What was typed, as the server takes it. @param {string} name @param {string} typed @returns {string|string[]|Record<string, string>} */
export function valueOf(name, typed) {
  const parts = (/** @type {RegExp} */ by) => typed.split(by).map((one) => one.trim()).filter(Boolean)
  if (BY_LINE.has(name)) return parts(/\n/)
  if (BY_COMMA.has(name)) return parts(/[,，、\n]/)
  if (name !== 'brands') return typed.trim()
  return Object.fromEntries(parts(/\n/).flatMap((line) => {
    const at = line.search(/[=＝]/)
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : []
  }))
}

/** Characters of a suggestion that count: what a slot takes is not known here. @param {string} say */
export const cardLength = (say) => [...say.replace(SLOT, '')].length

/** @template T @param {Record<string, T>} record @returns {[string, T][]} */
export const pairsOf = (record) => Object.entries(record)

/**
 * The field that a line of the file belongs to, the smallest that has it; `rule` for a line between
 * them, empty for one of another rule. @param {RuleFields} rule @param {number} line from 1
 */
export function fieldAt({ lines }, line) {
  let found = ''
  let size = Infinity
  for (const [name, [first, last]] of pairsOf(lines)) {
    if (line < first || line > last || last - first >= size) continue
    found = name
    size = last - first
  }
  return found
}
