import { ask } from '../client/api.js'
import { http } from '../client/addresses.js'
import { handled, headline } from '../client/board-state.js'
import { clip } from '../client/text.js'
import { arrangeChildren, h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'
import { Listen } from '../ui/listen.js'

const AROUND = 400 // ms of audio before and after the words
const SENT_FOR = 2_500 // ms

/** What a lead can do about one call: whisper, note, transfer, answer alerts, listen. */
export class LeadView {
  #list = h('ol', { class: 'handle' })
  #told = h('p', { class: 'told', role: 'status' })
  #listenButton
  #listen
  #audio = new Audio()
  /** @type {import('../client/board-state.js').Row|undefined} */ #row
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #clear

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {string|URL} server @param {string} call */
  constructor(strings, server, call) {
    this.strings = strings
    this.server = server
    this.call = call
    const { board } = strings
    this.#listenButton = h('button', { type: 'button', class: 'tool', 'aria-pressed': 'false' }, icon('ear'), board.listen)
    this.#listenButton.addEventListener('click', () => this.#toggle())
    this.#listen = new Listen({
      server, call, now: () => this.#row?.at_ms ?? 0,
      onstop: () => this.#stopped(board.noAudio),
    })
    this.#audio.addEventListener('error', () => this.#tell(board.noAudio))
    this.element = h(
      'section', { class: 'lead', part: 'lead', 'aria-label': board.tools },
      h('div', { class: 'lead-tools' }, this.#form(), this.#listenButton), this.#told, this.#list,
    )
  }

  close() {
    this.#listen.stop()
    this.#audio.pause()
    clearTimeout(this.#clear)
  }

  /** @param {import('../client/board-state.js').Row|undefined} row */
  update(row) {
    if (row && (row.alerts !== this.#row?.alerts || row.actions !== this.#row?.actions)) this.#draw(row)
    this.#row = row
  }

  #form() {
    const { board } = this.strings
    const kind = h('select', { 'aria-label': board.tools })
    const kinds = { whisper: board.whisper, note: board.note, transfer: board.transfer, assign: board.assignTo }
    const names = { whisper: board.whisper.split(/[，;]/)[0], note: board.acts.note, transfer: board.transferIt, assign: board.acts.assign }
    for (const [value, name] of Object.entries(names)) kind.append(h('option', { value }, name))
    const field = h('input', { required: true, maxlength: 500, placeholder: kinds.whisper, 'aria-label': kinds.whisper })
    kind.addEventListener('change', () => {
      const text = kinds[/** @type {'note'} */ (kind.value)]
      set(field, { placeholder: text, 'aria-label': text, maxlength: kind.value === 'transfer' || kind.value === 'assign' ? 64 : 500 })
    })
    const form = h('form', { class: 'say-to' }, kind, field, h('button', { class: 'tool primary' }, board.send))
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const text = field.value.trim()
      if (text && (await this.#send(kind.value, text))) field.value = ''
    })
    return form
  }

  /** @param {string} kind @param {string} text */
  #send(kind, text) {
    const at = `v1/calls/${this.call}`
    if (kind === 'whisper') return this.#post('POST', `${at}/whispers`, { text })
    if (kind === 'transfer') return this.#post('PUT', `${at}/agent`, { agent: text })
    if (kind === 'assign') return this.#act('assign', this.#row ? (headline(this.#row)?.id ?? '') : '', '', text)
    return this.#act('note', '', text)
  }

  /** @param {string} kind @param {string} alert @param {string} [text] @param {string} [to] */
  #act(kind, alert, text = '', to = '') {
    return this.#post('POST', `v1/calls/${this.call}/actions`, { kind, alert, to, text })
  }

  /** @param {string} method @param {string} path @param {object} body */
  async #post(method, path, body) {
    try {
      await ask(this.server, path, { method, body })
      this.#tell(this.strings.board.sent)
      return true
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  /** @param {string} text */
  #tell(text) {
    say(this.#told, text)
    clearTimeout(this.#clear)
    this.#clear = setTimeout(() => say(this.#told, ''), SENT_FOR)
  }

  /** @param {import('../client/board-state.js').Row} row */
  #draw(row) {
    const notes = row.actions.filter((one) => one.kind === 'note').slice(-3)
    const alerts = [...row.alerts].reverse().slice(0, 12).map((alert) => this.#alert(row, alert))
    arrangeChildren(this.#list, [
      ...alerts,
      ...notes.map((one) => h('li', { class: 'note' }, h('b', {}, one.by.slice(0, 24)), h('bdi', { dir: 'auto' }, clip(one.text, 120).text))),
    ])
    show(this.#list, this.#list.childElementCount > 0)
  }

  /** @param {import('../client/board-state.js').Row} row @param {import('../client/wire.js').Alert} alert */
  #alert(row, alert) {
    const { board } = this.strings
    const state = handled(row, alert.id)
    const quote = alert.evidence[0]
    const by = row.actions.filter((one) => one.alert === alert.id).at(-1)?.by ?? ''
    const hear = quote && h('button', { type: 'button', class: 'hear', title: board.hear }, icon('ear'), h('bdi', { dir: 'auto', lang: 'zh-CN' }, `「${clip(quote.text, 24).text}」`))
    hear?.addEventListener('click', () => this.#hear(quote.start_ms, quote.end_ms))
    const press = (/** @type {'acknowledge'|'resolve'} */ kind) => {
      const button = h('button', { type: 'button', class: 'tool', 'data-act': kind, 'aria-label': `${board.acts[kind]} ${alert.title.slice(0, 40)}` }, board.acts[kind])
      button.addEventListener('click', () => this.#act(kind, alert.id))
      return button
    }
    const buttons = state === 'resolve' ? [] : state ? [press('resolve')] : [press('acknowledge'), press('resolve')]
    return h(
      'li', { class: `severity-${alert.severity}`, 'data-alert': alert.id, 'data-handled': state || null },
      h('span', { class: 'kind' }, icon(alert.severity), h('bdi', { dir: 'auto', lang: 'zh-CN' }, clip(alert.title, 24).text)), hear ?? null,
      state ? h('span', { class: 'by' }, `${board.done[state]} ${by.slice(0, 20)}`) : null, ...buttons,
    )
  }

  /** @param {number} from @param {number} to ms */
  #hear(from, to) {
    const url = http(this.server, `v1/calls/${this.call}/audio`)
    url.searchParams.set('from_ms', String(Math.max(0, Math.round(from - AROUND))))
    url.searchParams.set('to_ms', String(Math.round(to + AROUND)))
    this.#audio.src = url.href
    this.#audio.play().catch(() => {}) // Its error event has told already.
  }

  #toggle() {
    if (this.#listen.on) {
      this.#listen.stop()
      this.#stopped('')
    } else {
      this.#listen.start()
      set(this.#listenButton, { 'aria-pressed': 'true' })
      say(/** @type {ChildNode} */ (this.#listenButton.lastChild), this.strings.board.stop)
    }
  }

  /** @param {string} why */
  #stopped(why) {
    set(this.#listenButton, { 'aria-pressed': 'false' })
    say(/** @type {ChildNode} */ (this.#listenButton.lastChild), this.strings.board.listen)
    this.#tell(why)
  }
}
