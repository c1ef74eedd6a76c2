/** `<tingban-board>`: all live calls for the lead; the worst first, one open beside. */
import { boardSocket } from '../client/addresses.js'
import { ticketed } from '../client/api.js'
import { advanceBoard, EMPTY_BOARD } from '../client/board-state.js'
import { Connection } from '../client/connection.js'
import { rank } from '../client/wire.js'
import { h, set, sheets } from '../ui/dom.js'
import { Frame } from '../ui/frame.js'
import { icon } from '../ui/icons.js'
import { boardStringsFor } from '../ui/board-strings.js'
import { stringsFor } from '../ui/strings.js'
import { Theme } from '../ui/theme.js'
import { TOKENS } from '../ui/tokens.js'
import { Bell } from '../ui/bell.js'
import { AgentsView } from './agents-view.js'
import { BOARD } from './board-style.js'
import { BoardTop } from './board-top.js'
import { FeedView } from './feed-view.js'
import { LeadView } from './lead-view.js'
import { NoticesView, notices } from './notices-view.js'
import { NO_CALLS } from '../client/agent-state.js'
import { RowsView } from './rows-view.js'

const STYLE = sheets(TOKENS, BOARD)
const OWN_SERVER = new URL('../../', import.meta.url)

/**
 * @typedef {{strings: import('../ui/board-strings.js').AllStrings, rows: RowsView, agents: AgentsView,
 *   feed: FeedView, top: BoardTop, notes: NoticesView, element: HTMLElement}} Parts
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
  /** @type {import('./rows-view.js').Filter} */ #filter = {}
  /** @type {readonly string[]|null} only the calls of a spike */ #only = null
  /** @type {'calls'|'agents'} */ #view = 'calls'
  #bell = new Bell()
  /** @type {LeadView|null} */ #lead = null
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
    this.#lead?.close()
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
    if (!this.#inbox.length) return
    const messages = this.#inbox.splice(0)
    const before = this.#state
    this.#state = advanceBoard(before, messages)
    if (before.loaded) for (const message of messages) this.#ring(before, message)
  }

  /** @param {import('../client/board-state.js').BoardState} before @param {import('../client/wire.js').Message} message */
  #ring(before, message) {
    const parts = this.#parts
    if (!parts) return
    const { board } = parts.strings
    if (message.type === 'alert' && rank(message.severity) >= rank('veto')) {
      const known = before.rows.get(message.call)?.alerts.some((one) => one.id === message.id)
      if (!known) this.#bell.alert(board.kinds[message.severity], message.title.slice(0, 120), `${message.call} ${message.id}`)
    }
    if (message.type === 'hand' && message.raised) this.#bell.alert(board.raised, message.by.slice(0, 60), `${message.call} hand`)
    if (message.type === 'spike' && message.state === 'on') this.#bell.alert(board.title, message.topic.slice(0, 60), `spike ${message.topic}`)
  }

  #draw() {
    this.#absorb()
    const parts = this.#parts
    const link = this.#connection?.link
    if (!parts || !link) return
    const { strings, rows, agents, feed, top, notes } = parts
    const filter = { ...this.#filter, calls: this.#only }
    const calls = this.#view === 'calls'
    rows.element.hidden = !calls
    agents.element.hidden = calls
    const shown = calls ? rows.update(this.#state, filter, this.#open) : agents.update(this.#state, filter)
    feed.update(this.#state)
    top.update(this.#state, shown, link)
    this.#lead?.update(this.#state.rows.get(this.#open))
    notes.update([
      ...this.#alone(strings.board), ...this.#spikes(strings.board), ...notices(strings, { ...NO_CALLS, hello: this.#state.hello }, undefined, link),
    ])
  }

  /** @param {import('../ui/board-strings.js').BoardStrings} words @returns {import('./notices-view.js').Notice[]} */
  #alone(words) {
    const { nodes } = this.#state
    return nodes?.state === 'alone' ? [{ id: 'nodes', kind: 'plain', text: words.alone(nodes.node.slice(0, 40)) }] : []
  }

  /** @param {import('../ui/board-strings.js').BoardStrings} words @returns {import('./notices-view.js').Notice[]} */
  #spikes(words) {
    const only = (/** @type {readonly string[]|null} */ calls) => () => {
      this.#only = calls
      this.#frame.ask()
    }
    /** @type {import('./notices-view.js').Notice[]} */
    const found = this.#state.spikes.map(({ topic, category, calls, count, baseline }) => ({
      id: `spike-${category}-${topic}`, kind: 'danger', press: only(calls),
      text: `${words.spike(topic.slice(0, 40), count, baseline.toFixed(1).replace(/\.0$/, ''))} · ${words.only(calls.length)}`,
    }))
    if (this.#only) found.push({ id: 'only', kind: 'plain', text: `${words.only(this.#only.length)} · ${words.back}`, press: only(null) })
    return found
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
    const agents = new AgentsView(strings, how)
    const feed = new FeedView(strings, how)
    const top = new BoardTop(strings, {
      filter: (filter) => {
        this.#filter = filter
        this.#frame.ask()
      },
      view: (view) => {
        this.#view = view
        this.#frame.ask()
      },
    }, this.#bell, this.#view)
    top.filter = this.#filter
    const notes = new NoticesView()
    const element = h('div', { class: 'board' }, top.element, notes.element, rows.element, agents.element, feed.element)
    return { strings, rows, agents, feed, top, notes, element }
  }

  /** Opens a call beside the list, in the agent's own view, to look at only. @param {string} call */
  #show(call) {
    const parts = this.#parts
    if (!parts) return
    this.#hide()
    this.#open = call
    const lead = new LeadView(parts.strings, this.#server, call)
    this.#lead = lead
    const shut = h('button', { type: 'button', class: 'shut' }, icon('close'), parts.strings.board.close)
    shut.addEventListener('click', () => this.#shut())
    const view = document.createElement('tingban-assist')
    set(view, { call, observe: true, lang: parts.strings.lang, theme: this.#root.dataset.theme })
    const server = this.getAttribute('server')
    if (server) view.setAttribute('server', server)
    const agent = this.#state.rows.get(call)?.info.agent
    const title = h('h3', {}, h('bdi', { dir: 'auto' }, [agent, call].filter(Boolean).join(' · ')))
    const detail = h('section', { class: 'detail', part: 'detail', 'aria-label': parts.strings.board.detail }, h('header', {}, title, shut), lead.element, view)
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
    this.#lead?.close()
    this.#lead = null
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
