/** `<tingban-board>`: all live calls for the lead; the worst first, one open beside. */
import { boardSocket } from '../client/addresses.js'
import { ticketed } from '../client/api.js'
import { advanceBoard, EMPTY_BOARD } from '../client/board-state.js'
import { Connection } from '../client/connection.js'
import { SEVERITIES } from '../client/wire.js'
import { h, say, set, sheets } from '../ui/dom.js'
import { Frame } from '../ui/frame.js'
import { icon } from '../ui/icons.js'
import { boardStringsFor } from '../ui/board-strings.js'
import { stringsFor } from '../ui/strings.js'
import { Theme } from '../ui/theme.js'
import { TOKENS } from '../ui/tokens.js'
import { BOARD } from './board-style.js'
import { FeedView } from './feed-view.js'
import { NoticesView, notices } from './notices-view.js'
import { NO_CALLS } from '../client/agent-state.js'
import { RowsView } from './rows-view.js'

const STYLE = sheets(TOKENS, BOARD)
const OWN_SERVER = new URL('../../', import.meta.url)
const FILTERS = /** @type {const} */ (['medium', 'high', 'critical'])

/**
 * @typedef {{strings: import('../ui/board-strings.js').AllStrings, rows: RowsView, feed: FeedView,
 *   count: HTMLElement, status: HTMLElement, notes: NoticesView, element: HTMLElement}} Parts
 */

/** Attributes: `server`, `lang`, `theme`, `call` (open beside). Event: `tingban-open` with the call. */
export class TingbanBoard extends HTMLElement {
  static observedAttributes = ['server', 'lang', 'theme']

  #root = h('div', { class: 'root', part: 'root' })
  #theme = new Theme(this.#root)
  #frame = new Frame(() => this.#draw())
  /** @type {Connection|null} */ #connection = null
  #state = EMPTY_BOARD
  /** @type {import('../client/wire.js').Message[]} */ #inbox = []
  /** @type {{text: string, severity: import('../client/wire.js').Severity|''}} */ #filter = { text: '', severity: '' }
  /** @type {Parts|null} */ #parts = null
  #open = ''
  /** As on `<tingban-assist>`. @type {(() => Promise<string>)|null} */ ticket = null

  constructor() {
    super()
    const shadow = this.attachShadow({ mode: 'open' })
    shadow.adoptedStyleSheets = STYLE
    shadow.append(this.#root)
  }

  connectedCallback() {
    this.#theme.connect()
    this.#build()
    this.#connect()
    const call = this.getAttribute('call')
    if (call) this.#show(call)
  }

  disconnectedCallback() {
    this.#theme.disconnect()
    this.#connection?.close()
    this.#frame.cancel()
  }

  /** @param {string} name @param {string|null} before @param {string|null} value */
  attributeChangedCallback(name, before, value) {
    if (name === 'theme') this.#theme.set(value)
    if (before === value || !this.isConnected) return
    if (name === 'lang') this.#build()
    if (name === 'server') this.#connect()
  }

  /** What is known now; it is never changed in place. */
  get state() {
    return this.#state
  }

  get #server() {
    return this.getAttribute('server') || OWN_SERVER
  }

  #connect() {
    this.#connection?.close()
    this.#state = EMPTY_BOARD
    this.#connection = new Connection({
      address: () => ticketed(this.#server, 'board', boardSocket(this.#server), this.ticket),
      onmessage: (message) => this.#receive(message),
      onlink: () => this.#frame.ask(),
    })
    this.#connection.open()
  }

  /** Messages wait for the next frame; one pass takes them all. @param {import('../client/wire.js').Message} message */
  #receive(message) {
    this.#inbox.push(message)
    // A hidden page has no frames, but it must not hoard either.
    if (this.#inbox.length > 2_000) this.#absorb()
    this.#frame.ask()
  }

  #absorb() {
    if (this.#inbox.length) this.#state = advanceBoard(this.#state, this.#inbox.splice(0))
  }

  #draw() {
    this.#absorb()
    const parts = this.#parts
    const link = this.#connection?.link
    if (!parts || !link) return
    const { strings, rows, feed, count, status, notes } = parts
    const shown = rows.update(this.#state, this.#filter, this.#open)
    feed.update(this.#state)
    let live = 0
    for (const row of this.#state.rows.values()) if (row.live) live += 1
    say(count, strings.board.count(Math.min(shown, live), live))
    set(status, { 'data-phase': link.phase })
    say(status, strings.link[link.phase])
    notes.update(notices(strings, { ...NO_CALLS, hello: this.#state.hello }, undefined, link))
  }

  #build() {
    this.#parts = this.#make()
    this.#root.lang = this.#parts.strings.lang
    this.#root.replaceChildren(this.#parts.element)
    if (this.#open) this.#show(this.#open)
    this.#frame.ask()
  }

  /** @returns {Parts} */
  #make() {
    const lang = this.getAttribute('lang') ?? (this.closest('[lang]')?.getAttribute('lang') || 'zh')
    const strings = { ...stringsFor(lang), board: boardStringsFor(lang) }
    const how = { open: (/** @type {string} */ call) => this.#show(call), redraw: () => this.#frame.ask() }
    const rows = new RowsView(strings, how)
    const feed = new FeedView(strings, how)
    const count = h('span', { class: 'count' })
    const status = h('span', { class: 'link', part: 'status', role: 'status' })
    const notes = new NoticesView()
    const top = h(
      'header', { class: 'top', part: 'header' },
      h('span', { class: 'brand', part: 'brand' }, icon('ear'), strings.brand), h('h2', {}, strings.board.title), count,
      this.#filters(strings), status,
    )
    const element = h('div', { class: 'board' }, top, notes.element, rows.element, feed.element)
    return { strings, rows, feed, count, status, notes, element }
  }

  /** @param {import('../ui/board-strings.js').AllStrings} strings */
  #filters(strings) {
    const text = h('input', { type: 'search', placeholder: strings.board.filter, 'aria-label': strings.board.filter, maxlength: 60 })
    text.value = this.#filter.text
    const least = h('select', { 'aria-label': strings.board.severity }, h('option', { value: '' }, strings.board.all))
    for (const one of FILTERS) least.append(h('option', { value: one }, `≥ ${strings.board.kinds[one]}`))
    least.value = this.#filter.severity
    const changed = () => {
      const severity = SEVERITIES.find((one) => one === least.value) ?? ''
      this.#filter = { text: text.value, severity }
      this.#frame.ask()
    }
    text.addEventListener('input', changed)
    least.addEventListener('change', changed)
    return h('div', { class: 'filters', role: 'search' }, text, least)
  }

  /** Opens a call beside the list, in the agent's own view, to look at only. @param {string} call */
  #show(call) {
    const parts = this.#parts
    if (!parts) return
    this.#hide()
    this.#open = call
    const shut = h('button', { type: 'button', class: 'shut' }, icon('close'), parts.strings.board.close)
    shut.addEventListener('click', () => this.#shut())
    const view = document.createElement('tingban-assist')
    set(view, { call, observe: true, lang: parts.strings.lang, theme: this.#root.dataset.theme })
    const server = this.getAttribute('server')
    if (server) view.setAttribute('server', server)
    const agent = this.#state.rows.get(call)?.info.agent
    const title = h('h3', {}, h('bdi', { dir: 'auto' }, [agent, call].filter(Boolean).join(' · ')))
    const detail = h('section', { class: 'detail', part: 'detail', 'aria-label': parts.strings.board.detail }, h('header', {}, title, shut), view)
    detail.addEventListener('keydown', (event) => event.key === 'Escape' && this.#shut())
    parts.element.append(detail)
    parts.element.classList.add('open')
    parts.feed.element.hidden = matchMedia('(min-width: 1000px)').matches
    shut.focus({ preventScroll: true })
    this.dispatchEvent(new CustomEvent('tingban-open', { detail: { call }, bubbles: true, composed: true }))
    this.#frame.ask()
  }

  #hide() {
    this.#open = ''
    this.#parts?.element.querySelector('.detail')?.remove()
    this.#parts?.element.classList.remove('open')
    if (this.#parts) this.#parts.feed.element.hidden = false
  }

  #shut() {
    const call = this.#open
    this.#hide()
    this.#parts?.rows.focus(call)
    this.#frame.ask()
  }
}
