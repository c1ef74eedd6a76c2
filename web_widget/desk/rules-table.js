/** Every rule with what agents made of it; the head of a column orders by it. */
import { categoryName } from '../client/categories.js'
import { sifted } from '../client/rule-figures.js'
import { arrangeChildren, h, say, set, words } from '../ui/dom.js'

const COLUMNS = /** @type {const} */ (['title', 'category', 'hits', 'shown', 'adoption', 'override', 'said'])
const AT_MOST = 300

/** @param {number|null} part */
const percent = (part) => (part === null ? '—' : `${Math.round(part * 100)}%`)

export class RulesTable {
  #body = h('tbody')
  #none = h('p', { class: 'facts' })
  #find
  #heads
  /** @type {typeof COLUMNS[number]} */ #by = 'hits'

  /** @param {readonly import('../client/rule-figures.js').RuleFigures[]} rules @param {import('./strings.js').DeskStrings} text @param {string} lang */
  constructor(rules, text, lang) {
    this.rules = rules
    this.text = text
    this.lang = lang
    this.#find = h('input', { type: 'search', placeholder: text.find, 'aria-label': text.find, maxlength: 60 })
    this.#find.addEventListener('input', () => this.#draw())
    this.#heads = COLUMNS.map((name) => this.#head(name))
    this.element = h(
      'section', { class: 'panel', 'aria-label': text.rules }, h('h2', {}, text.rules), this.#find,
      h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': text.rules }, h('table', {}, h('thead', {}, h('tr', {}, ...this.#heads)), this.#body)), this.#none,
    )
    this.#draw()
  }

  /** @param {typeof COLUMNS[number]} name */
  #head(name) {
    const button = h('button', { type: 'button', class: 'plain' }, this.text.columns[name])
    button.addEventListener('click', () => {
      this.#by = name
      this.#draw()
    })
    const hint = name === 'adoption' || name === 'override' ? this.text.hints[name] : null
    return h('th', { scope: 'col', title: hint }, button)
  }

  #draw() {
    this.#heads.forEach((head, i) => set(head, { 'aria-sort': COLUMNS[i] === this.#by ? (i < 2 ? 'ascending' : 'descending') : null }))
    const found = sifted(this.rules, this.#find.value, this.#by).slice(0, AT_MOST)
    arrangeChildren(this.#body, found.map((one) => h(
      'tr', { class: `severity-${one.severity}`, 'data-rule': one.rule },
      h('th', { scope: 'row' }, words(one.title || one.rule), h('span', { class: 'facts' }, words(one.rule))), h('td', {}, categoryName(one.category, this.lang)),
      ...[String(one.hits), String(one.shown), percent(one.adoption), percent(one.override), String(one.said)].map((value) => h('td', { class: 'number' }, value)),
    )))
    say(this.#none, found.length ? '' : this.text.none)
  }
}
