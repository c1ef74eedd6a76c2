/** One rule in a form. The file's text is the truth: each change goes through the server into it. */
import { CATEGORIES, categoryName } from '../client/categories.js'
import { ask } from '../client/api.js'
import { cardLength, fieldAt, pairsOf, textOf, valueOf } from '../client/rule-form.js'
import { SEVERITIES } from '../client/wire.js'
import { clip } from '../client/text.js'
import { h, say, set, show } from '../ui/dom.js'
import { twice } from '../ui/sure.js'

const ROLES = /** @type {const} */ (['customer', 'agent', 'any'])
const LONGEST = 40 // characters of a suggestion that are read in time
const SLOTS = ['{company}', '{title|您}', '{agent|}', '{queue|}']

/**
 * @typedef {import('../client/rule-form.js').RuleFields} RuleFields
 * @typedef {import('../client/rule-form.js').Problem} Problem
 * @typedef {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement} Control
 * @typedef {{server: URL, text: import('./strings.js').DeskStrings, lang: string, told: (error: unknown) => string, changed: (text: string) => void}} How
 */
export class RuleForm {
  #which = h('select')
  #fields = h('div', { class: 'fields' })
  #lists = h('div', { class: 'fields' })
  #note = h('p', { class: 'facts' })
  #fault = h('p', { class: 'fault', role: 'alert' })
  #counter = h('output', { class: 'facts' })
  #remove = h('button', { type: 'button', class: 'press light' })
  /** @type {Map<string, {control: Control, wrong: HTMLElement}>} */ #controls = new Map()
  #whole = ''
  /** @type {readonly RuleFields[]} */ #rules = []
  /** @type {readonly Problem[]} */ #problems = []
  /** Changes go one after the other, each into the text that the one before has made. */
  #queue = Promise.resolve()

  /** @param {How} how */
  constructor(how) {
    this.how = how
    const { text } = how
    set(this.#which, { 'aria-label': text.rule })
    this.#which.addEventListener('change', () => this.#draw())
    this.element = h(
      'div', { class: 'rule-form', role: 'group', 'aria-label': text.form },
      h('label', {}, h('span', {}, text.rule), this.#which), this.#newRule(), this.#note, this.#fault, this.#fields, this.#lists,
    )
    this.#make()
  }

  /** Shows the rules of this text. @param {string} whole @returns {Promise<void>} */
  open(whole) {
    return this.#send({ text: whole })
  }

  /** What a check has found in this file. @param {readonly Problem[]} problems */
  set problems(problems) {
    this.#problems = problems
    this.#drawProblems()
  }

  get #rule() {
    return this.#rules.find((one) => one.id === this.#which.value)
  }

  /** @param {Record<string, unknown>} body @returns {Promise<void>} */
  #send(body) {
    this.#queue = this.#queue.then(async () => {
      const asked = { text: this.#whole, ...body }
      try {
        const { text, rules, lists } = await ask(this.how.server, 'v1/desk/form', { method: 'POST', body: asked })
        const changed = text !== asked.text
        this.#whole = text
        this.#rules = rules
        say(this.#fault, '')
        this.#drawRules()
        this.#drawLists(lists)
        if (changed) this.how.changed(text)
      } catch (error) {
        this.#whole = asked.text
        say(this.#fault, this.how.told(error))
      }
    })
    return this.#queue
  }

  /** One more rule, or one fewer. */
  #newRule() {
    const { text, lang } = this.how
    const field = (/** @type {string} */ name, /** @type {HTMLInputElement|HTMLSelectElement} */ control) =>
      h('div', { class: 'field' }, h('label', {}, name, control))
    const title = h('input', { required: true, maxlength: 200, lang: 'zh-CN' })
    const id = h('input', { required: true, maxlength: 200, pattern: '[a-z0-9_]+([.][a-z0-9_]+)+', placeholder: 'site.refund_promise', spellcheck: 'false' })
    const phrase = h('input', { required: true, maxlength: 2000, lang: 'zh-CN' })
    const category = choice(CATEGORIES, (one) => categoryName(one, lang))
    const form = h('form', { class: 'fields', 'aria-label': text.newRule, hidden: true },
      field(text.newTitle, title), field(text.ruleId, id), field(text.newCategory, category), field(text.firstPhrase, phrase),
      h('button', { class: 'press' }, text.add))
    const open = h('button', { type: 'button', class: 'press light', 'aria-expanded': 'false' }, text.newRule)
    const unfold = (/** @type {boolean} */ wide) => {
      show(form, wide)
      set(open, { 'aria-expanded': String(wide) })
    }
    open.addEventListener('click', () => {
      const folded = form.hasAttribute('hidden')
      unfold(folded)
      if (folded) title.focus()
    })
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const wanted = id.value
      await this.#send({ add: { id: wanted, title: title.value.trim(), category: category.value, phrase: phrase.value.trim() } })
      if (!this.#rules.some((one) => one.id === wanted)) return
      this.#which.value = wanted
      this.#draw()
      form.reset()
      unfold(false)
      this.#controls.get('silent')?.control.focus()
    })
    twice(this.#remove, text.remove, text.removeSure, () => this.#send({ rule: this.#rule?.id, remove: true }))
    return h('div', { class: 'new-rule' }, h('p', { class: 'judge' }, open, this.#remove), form)
  }

  #make() {
    const { text, lang } = this.how
    const line = () => h('input', { maxlength: 2000, lang: 'zh-CN' })
    const lines = (/** @type {number} */ rows) => h('textarea', { rows, spellcheck: 'false', lang: 'zh-CN' })
    /** @type {[string, Control][]} */
    const controls = [
      ['title', line()], ['category', choice(CATEGORIES, (one) => categoryName(one, lang))],
      ['severity', choice(SEVERITIES, (one) => text.severities[/** @type {'info'} */ (one)])],
      ['role', choice(ROLES, (one) => text.roles[/** @type {'any'} */ (one)])],
      ['tier', line()], ['brand', line()], ['queue', line()],
      ['phrases', lines(6)], ['except', lines(4)], ['suggestion', line()], ['brands', lines(3)],
      ['fires', lines(4)], ['silent', lines(4)],
    ]
    for (const [name, control] of controls) this.#fields.append(this.#field(name, control))
    const suggestion = this.#controls.get('suggestion')?.control
    suggestion?.addEventListener('input', () => this.#count())
    suggestion?.closest('.field')?.append(this.#counter, this.#slots(/** @type {HTMLInputElement} */ (suggestion)))
  }

  /** @param {string} name @param {Control} control */
  #field(name, control) {
    const { text } = this.how
    const label = text.fields[/** @type {'title'} */ (name)]
    const hint = text.fieldHints[/** @type {'phrases'} */ (name)]
    const wrong = h('p', { class: 'fault', id: `wrong-${name}` })
    set(control, { name, id: `field-${name}`, 'aria-describedby': `hint-${name} wrong-${name}` })
    control.addEventListener('change', () => this.#change(name, control.value))
    this.#controls.set(name, { control, wrong })
    return h(
      'div', { class: 'field', 'data-field': name },
      h('label', { for: `field-${name}` }, label), control, h('p', { class: 'facts', id: `hint-${name}` }, hint ?? ''), wrong,
    )
  }

  /** @param {HTMLInputElement} control */
  #slots(control) {
    const buttons = SLOTS.map((slot) => {
      const button = h('button', { type: 'button', class: 'plain' }, slot)
      button.addEventListener('click', () => {
        control.setRangeText(slot, control.selectionStart ?? control.value.length, control.selectionEnd ?? control.value.length, 'end')
        control.focus()
        this.#count()
        this.#change('suggestion', control.value)
      })
      return button
    })
    return h('span', { class: 'slots', role: 'group', 'aria-label': this.how.text.slots }, ...buttons)
  }

  /** @param {string} name @param {string} typed */
  #change(name, typed) {
    const rule = this.#rule
    const value = valueOf(name, typed)
    if (rule && JSON.stringify(value) !== JSON.stringify(rule[/** @type {'title'} */ (name)])) this.#send({ rule: rule.id, changes: { [name]: value } })
  }

  #drawRules() {
    const { value } = this.#which
    this.#which.replaceChildren(...this.#rules.map((one) => h('option', { value: one.id }, clip(`${one.title} · ${one.id}`, 80).text)))
    if (this.#rules.some((one) => one.id === value)) this.#which.value = value
    this.#draw()
  }

  #draw() {
    const rule = this.#rule
    const { text } = this.how
    show(this.#fields, rule !== undefined)
    this.#remove.disabled = this.#rules.length < 2
    say(this.#note, !rule ? text.noRules : rule.plain ? '' : text.notPlain)
    if (!rule) return
    for (const [name, { control }] of this.#controls) {
      const field = /** @type {HTMLElement} */ (control.closest('.field'))
      show(field, rule.plain || !['role', 'phrases', 'except'].includes(name))
      const value = textOf(name, rule[/** @type {'title'} */ (name)])
      if (control instanceof HTMLSelectElement && value && ![...control.options].some((one) => one.value === value)) control.append(h('option', { value }, value))
      // What somebody is writing now is not taken from under the hands.
      if (control !== document.activeElement || control instanceof HTMLSelectElement) control.value = value
    }
    this.#count()
    this.#drawProblems()
  }

  #count() {
    const used = cardLength(this.#controls.get('suggestion')?.control.value ?? '')
    say(this.#counter, `${used} / ${LONGEST}`)
    set(this.#counter, { class: used > LONGEST ? 'fault' : 'facts' })
  }

  #drawProblems() {
    const rule = this.#rule
    const by = new Map()
    for (const problem of rule ? this.#problems : []) {
      const field = fieldAt(/** @type {RuleFields} */ (rule), problem.line)
      if (field) by.set(field, [...(by.get(field) ?? []), `${this.how.text.at(problem.line, problem.column)}${this.how.text.colon}${problem.message}`])
    }
    for (const [name, { control, wrong }] of this.#controls) {
      const found = by.get(name) ?? []
      set(control, { 'aria-invalid': found.length > 0 ? 'true' : null })
      say(wrong, clip(found.join(' · '), 300).text)
    }
    say(this.#fault, clip((by.get('rule') ?? []).join(' · '), 400).text)
  }

  /** @param {Record<string, string[]>} lists */
  #drawLists(lists) {
    const focused = document.activeElement
    if (focused && this.#lists.contains(focused)) return
    this.#lists.replaceChildren(...pairsOf(lists).map(([name, phrases]) => {
      const area = h('textarea', { rows: 4, spellcheck: 'false', lang: 'zh-CN', 'aria-label': this.how.text.list(name) })
      area.value = phrases.join('\n')
      area.addEventListener('change', () => this.#send({ list: name, phrases: valueOf('phrases', area.value) }))
      return h('details', {}, h('summary', {}, this.how.text.list(name)), area)
    }))
  }
}

/** @param {readonly string[]} values @param {(one: string) => string} name */
const choice = (values, name) => h('select', {}, ...values.map((one) => h('option', { value: one }, name(one))))
