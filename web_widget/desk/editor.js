/** One draft: files as text, checked while they are written, tried on calls, published. */
import { ask, request } from '../client/api.js'
import { clip } from '../client/text.js'
import { arrangeChildren, h, say, set, show, words } from '../ui/dom.js'
import { RuleForm } from './form.js'

const CHECK_AFTER = 800 // ms without a key

/**
 * @typedef {{server: URL, text: import('./strings.js').DeskStrings, lang: string, user: string, told: (error: unknown) => string, published: () => void}} How
 * @typedef {{packs: {pack: string, files: string[]}[], drafts?: string[]}} Packs
 */
export class Editor {
  #area
  #form
  /** @type {HTMLButtonElement[]} form, text */ #ways = []
  #file = h('select')
  #name
  #status = h('p', { class: 'facts', role: 'status' })
  #problems = h('ol', { class: 'problems' })
  #result = h('div', { class: 'trial' })
  #publish
  #reset
  /** What the packs in force say. @type {Map<string, string>} */ #texts = new Map()
  /** What the draft says otherwise. @type {Map<string, string>} */ #changed = new Map()
  #asked = 0
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer

  /** @param {Packs} packs @param {How} how */
  constructor(packs, how) {
    this.how = how
    const { text } = how
    for (const { pack, files } of packs.packs) for (const file of files) this.#file.append(h('option', { value: `${pack}/${file}` }, pack === '-' ? file : `${pack}/${file}`))
    set(this.#file, { 'aria-label': text.file })
    this.#file.addEventListener('change', () => this.#open())
    this.#name = h('input', { value: how.user.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 30) || 'draft', maxlength: 60, pattern: '[A-Za-z0-9_\\-]+', 'aria-label': text.draft })
    this.#area = h('textarea', { spellcheck: 'false', wrap: 'off', rows: 22, 'aria-label': text.text, lang: 'zh-CN' })
    this.#area.addEventListener('input', () => this.#typed())
    this.#form = new RuleForm({ ...how, changed: (whole) => this.#rewritten(whole) })
    this.#publish = h('button', { type: 'button', class: 'press', disabled: true }, text.publish)
    this.#publish.addEventListener('click', () => this.#go())
    this.#reset = h('button', { type: 'button', class: 'press light', hidden: true }, text.reset)
    this.#reset.addEventListener('click', () => this.#forget())
    this.element = h(
      'section', { class: 'panel editor', 'aria-label': text.files }, h('h2', {}, text.files),
      h('div', { class: 'filters' }, h('label', {}, h('span', {}, text.file), this.#file), h('label', {}, h('span', {}, text.draft), this.#name)),
      this.#views(), this.#form.element, this.#area, this.#status, this.#problems, this.#trialForm(), this.#result, h('p', { class: 'go' }, this.#publish, this.#reset),
    )
    if (this.#file.value) this.#open()
  }

  #views() {
    const { text } = this.how
    this.#ways = [text.form, text.asText].map((name, i) => {
      const button = h('button', { type: 'button', class: 'press light' }, name)
      button.addEventListener('click', () => {
        this.#look(i === 0)
        if (i === 0) this.#form.open(this.#area.value)
      })
      return button
    })
    this.#look(true)
    return h('div', { class: 'judge', role: 'group', 'aria-label': text.views }, ...this.#ways)
  }

  /** @param {boolean} form the form, or the text */
  #look(form) {
    this.#ways.forEach((button, i) => set(button, { 'aria-pressed': String((i === 0) === form) }))
    show(this.#form.element, form)
    show(this.#area, !form)
  }

  /** The form has changed the text. @param {string} whole */
  #rewritten(whole) {
    this.#area.value = whole
    this.#typed()
  }

  #trialForm() {
    const { text } = this.how
    const calls = h('input', { placeholder: text.trialCalls, 'aria-label': text.trialCalls, maxlength: 4000 })
    const form = h('form', { class: 'mark-form' }, calls, h('button', { class: 'press light' }, text.trial))
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#try(calls.value.split(/[\s,，]+/).filter(Boolean))
    })
    return form
  }

  get #path() {
    return this.#file.value.replace(/^-\//, '')
  }

  get #draft() {
    return `v1/desk/drafts/${encodeURIComponent(this.#name.value || 'draft')}`
  }

  async #open() {
    const path = this.#path
    try {
      if (!this.#texts.has(path)) {
        const at = this.#file.value.split('/').map(encodeURIComponent).join('/')
        this.#texts.set(path, await (await request(this.how.server, `v1/desk/packs/${at}`)).text())
      }
      if (path !== this.#path) return
      this.#area.value = this.#changed.get(path) ?? this.#texts.get(path) ?? ''
      this.#area.scrollTop = 0
      this.#form.problems = []
      await this.#form.open(this.#area.value)
    } catch (error) {
      say(this.#status, this.how.told(error))
    }
  }

  #typed() {
    const same = this.#area.value === this.#texts.get(this.#path)
    if (same) this.#changed.delete(this.#path)
    else this.#changed.set(this.#path, this.#area.value)
    this.#publish.disabled = true
    this.#form.problems = []
    show(this.#reset, this.#changed.size > 0)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#check(), CHECK_AFTER)
  }

  #forget() {
    clearTimeout(this.#timer)
    this.#asked += 1
    this.#changed.clear()
    this.#area.value = this.#texts.get(this.#path) ?? ''
    this.#form.problems = []
    this.#form.open(this.#area.value)
    this.#publish.disabled = true
    show(this.#reset, false)
    say(this.#status, '')
    this.#problems.replaceChildren()
    this.#result.replaceChildren()
  }

  /** The draft on the server is what stands here. */
  #save() {
    return ask(this.how.server, this.#draft, { method: 'PUT', body: { files: Object.fromEntries(this.#changed) } })
  }

  async #check() {
    const turn = (this.#asked += 1)
    const { text } = this.how
    say(this.#status, text.checking)
    try {
      await this.#save()
      const { ok, problems } = await ask(this.how.server, `${this.#draft}/check`, { method: 'POST' })
      if (turn !== this.#asked) return
      const hard = problems.filter((/** @type {{warning?: boolean}} */ one) => !one.warning)
      say(this.#status, ok ? text.good : text.bad(hard.length))
      this.#form.problems = problems.filter((/** @type {{file: string}} */ one) => one.file === this.#path)
      arrangeChildren(this.#problems, problems.slice(0, 50).map((/** @type {any} */ one) => this.#problem(one)))
      this.#publish.disabled = !ok || this.#changed.size === 0
    } catch (error) {
      if (turn === this.#asked) say(this.#status, this.how.told(error))
    }
  }

  /** @param {{file: string, line: number, column: number, message: string, warning?: boolean}} one */
  #problem({ file, line, column, message, warning }) {
    const { text } = this.how
    const button = h('button', { type: 'button', class: 'plain' }, words(file), ` ${text.at(line, column)}${warning ? ` · ${text.warning}` : ''}`)
    button.addEventListener('click', () => this.#goTo(file, line, column))
    return h('li', { 'data-warning': warning ? 'yes' : null }, button, words(clip(String(message), 400).text))
  }

  /** @param {string} file @param {number} line from 1 @param {number} column from 1 */
  async #goTo(file, line, column) {
    const option = [...this.#file.options].find((one) => one.text === file)
    if (option && option.value !== this.#file.value) {
      this.#file.value = option.value
      await this.#open()
    }
    this.#look(false)
    const before = this.#area.value.split('\n').slice(0, Math.max(0, line - 1)).reduce((sum, one) => sum + one.length + 1, 0)
    const at = before + Math.max(0, column - 1)
    this.#area.focus()
    this.#area.setSelectionRange(at, at)
    this.#area.scrollTop = (this.#area.scrollHeight * Math.max(0, line - 6)) / Math.max(1, this.#area.value.split('\n').length)
  }

  /** @param {string[]} calls */
  async #try(calls) {
    const { text, told } = this.how
    this.#result.replaceChildren(h('p', { class: 'facts', role: 'status' }, text.trying))
    try {
      await this.#save()
      const found = await ask(this.how.server, `${this.#draft}/trial`, { method: 'POST', body: { calls } })
      const { old, new: fresh } = found.cards_per_agent_hour
      const rate = (/** @type {number|null} */ one) => (one === null || one === undefined ? '—' : Number(one).toFixed(1))
      const list = (/** @type {string} */ title, /** @type {any[]} */ cards) => (cards.length ? h('details', {}, h('summary', {}, `${title} ${cards.length}`), h('ol', {}, ...cards.slice(0, 60).map(card))) : null)
      this.#result.replaceChildren(
        h('p', { role: 'status' }, text.result(found.appear.length, found.vanish.length, rate(old), rate(fresh))),
        ...[list(text.appear, found.appear), list(text.vanish, found.vanish)].filter((one) => one !== null),
      )
    } catch (error) {
      this.#result.replaceChildren(h('p', { class: 'fault', role: 'alert' }, told(error)))
    }
  }

  async #go() {
    const { text, told, published } = this.how
    this.#publish.disabled = true
    say(this.#status, text.publishing)
    try {
      const { version } = await ask(this.how.server, `${this.#draft}/publish`, { method: 'POST' })
      for (const [path, changed] of this.#changed) this.#texts.set(path, changed)
      this.#forget()
      say(this.#status, text.published(version))
      published()
    } catch (error) {
      say(this.#status, told(error))
      this.#publish.disabled = false
    }
  }
}

/** @param {any} one a card that a trial tells of */
function card(one) {
  const parts = typeof one === 'string' ? [one] : [one.call, one.rule, one.quote ?? one.say]
  return h('li', {}, words(clip(parts.filter(Boolean).map(String).join(' · '), 200).text))
}
