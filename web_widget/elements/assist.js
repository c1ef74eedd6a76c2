/** `<tingban-assist>`: owns the connection and the state of one agent's calls, passes it down. */
import { agentSocket } from '../client/addresses.js'
import { ticketed } from '../client/api.js'
import { advance, find, NO_CALLS, shown } from '../client/agent-state.js'
import { candidates } from '../client/cards.js'
import { Connection } from '../client/connection.js'
import { VERDICTS } from '../client/wire.js'
import { copy } from '../ui/copy.js'
import { h, sheets } from '../ui/dom.js'
import { Frame, whenPainted } from '../ui/frame.js'
import { stringsFor } from '../ui/strings.js'
import { Theme } from '../ui/theme.js'
import { TOKENS } from '../ui/tokens.js'
import { ASSIST } from './assist-style.js'
import { AssistView } from './assist-view.js'

const STYLE = sheets(TOKENS, ASSIST)
const OWN_SERVER = new URL('../../', import.meta.url)

/**
 * Attributes: `server` (default: where this script came from), `agent` or `call`, `lang` (zh, en),
 * `theme` (auto, light, dark), `shortcuts` (focus, page), `observe` (look only: no buttons, no
 * painted messages). Events: `tingban-suggestion`, `tingban-feedback`,
 * `tingban-copy`, `tingban-hand`.
 */
export class TingbanAssist extends HTMLElement {
  static observedAttributes = ['server', 'agent', 'call', 'lang', 'theme', 'observe']

  #root = h('div', { class: 'root', part: 'root' })
  #theme = new Theme(this.#root)
  #frame = new Frame(() => this.#draw())
  /** @type {AssistView|null} */ #view = null
  /** @type {Connection|null} */ #connection = null
  #state = NO_CALLS
  /** @type {Map<string, number>} last seq painted, by `call id` */ #painted = new Map()
  /** For pages of another site: gives a ticket for the socket, fetched by their own server.
   * @type {(() => Promise<string>)|null} */ ticket = null
  #pageKeys = (/** @type {KeyboardEvent} */ event) => {
    const own = event.composedPath().includes(this)
    if (own || this.getAttribute('shortcuts') === 'page') this.#view?.keys.press(event)
  }

  constructor() {
    super()
    const shadow = this.attachShadow({ mode: 'open', delegatesFocus: false })
    shadow.adoptedStyleSheets = STYLE
    shadow.append(this.#root)
  }

  connectedCallback() {
    this.#theme.connect()
    document.addEventListener('keydown', this.#pageKeys)
    this.#build()
    this.#open()
  }

  disconnectedCallback() {
    this.#theme.disconnect()
    document.removeEventListener('keydown', this.#pageKeys)
    this.#connection?.close()
    this.#connection = null
    this.#frame.cancel()
  }

  /** @param {string} name @param {string|null} before @param {string|null} value */
  attributeChangedCallback(name, before, value) {
    if (name === 'theme') this.#theme.set(value)
    if (before === value || !this.isConnected) return
    if (name === 'lang' || name === 'observe') this.#build()
    else if (name !== 'theme') this.#open()
  }

  /** What is known now, for tests and embedders; it is never changed in place. */
  get state() {
    return this.#state
  }

  get link() {
    return this.#connection?.link
  }

  get #observes() {
    return this.hasAttribute('observe')
  }

  /** The interface in one language; words and layout are made anew when it changes. */
  #build() {
    const lang = this.getAttribute('lang') ?? (this.closest('[lang]')?.getAttribute('lang') || 'zh')
    const strings = stringsFor(lang)
    this.#root.lang = strings.lang
    this.#view?.disconnect()
    this.#view = new AssistView(strings, {
      observe: this.#observes,
      act: (action, card) => this.#act(action, card),
      select: (call) => this.#take({ type: 'select', call }),
      redraw: () => this.#frame.ask(),
      raise: () => this.#raise(),
      claim: (call) => this.#connection?.send({ type: 'claim', call }),
      read: ({ call, id }) => this.#take({ type: 'read', call, whisper: id }),
    })
    this.#root.replaceChildren(this.#view.element)
    this.#frame.ask()
  }

  #open() {
    this.#connection?.close()
    this.#state = NO_CALLS
    this.#painted.clear()
    const agent = this.getAttribute('agent') ?? ''
    const call = this.getAttribute('call') ?? ''
    if (!agent && !call) return
    this.#connection = new Connection({
      address: () => this.#address(agent, call),
      onmessage: (message) => this.#take(message),
      onlink: (link) => {
        if (link.phase === 'waiting') this.#state = advance(this.#state, { type: 'reopened' })
        this.#frame.ask()
      },
      onsettled: () => this.#settled(call),
    })
    this.#connection.open()
  }

  /** @param {string} agent @param {string} call */
  #address(agent, call) {
    const server = this.getAttribute('server') || OWN_SERVER
    const known = call ? find(this.#state, call) : undefined
    const who = call ? { call, ...(known ? { resume_from: known.seq } : {}) } : { agent }
    return ticketed(server, 'agent', agentSocket(server, who), this.ticket)
  }

  /** A call that was resumed may simply have nothing new to say. @param {string} call */
  #settled(call) {
    if (!call) this.#take({ type: 'settled' })
  }

  /** @param {import('../client/wire.js').Message|import('../client/agent-state.js').Own} action */
  #take(action) {
    const before = this.#state
    this.#state = advance(before, action)
    if (this.#state === before) return
    if (action.type === 'suggestion' && find(this.#state, action.call)) {
      this.#emit('tingban-suggestion', { ...action })
    }
    this.#frame.ask()
  }

  #draw() {
    const link = this.#connection?.link
    if (!this.#view || !this.isConnected) return
    const call = shown(this.#state)
    const ranked = call ? candidates(call, this.#state.answers) : []
    this.#view.update(this.#state, call, ranked, link)
    const { cards, whisper } = this.#view
    if (!this.#observes) this.#acknowledge(whisper ? [...cards, whisper] : cards)
  }

  /** Tells the server when a card could be seen. @param {readonly {call: string, id: string, seq: number}[]} cards */
  #acknowledge(cards) {
    const fresh = cards.filter(({ call, id, seq }) => this.#painted.get(`${call} ${id}`) !== seq)
    if (fresh.length === 0) return
    for (const { call, id, seq } of fresh) this.#painted.set(`${call} ${id}`, seq)
    whenPainted((at) => {
      for (const { call, seq } of fresh) this.#connection?.send({ type: 'painted', call, seq, at })
    })
  }

  /** @param {import('./card-view.js').Action} action @param {import('../client/cards.js').Card} card */
  async #act(action, card) {
    const detail = { call: card.call, suggestion: card.id, say: card.say }
    if (action === 'copy') {
      if (!card.say || !(await copy(card.say, /** @type {ShadowRoot} */ (this.shadowRoot)))) return
      this.#view?.copied(card.id)
      this.#emit('tingban-copy', detail)
      return
    }
    if (!VERDICTS.includes(action)) return
    this.#take({ type: 'answered', call: card.call, suggestion: card.id, verdict: action })
    const message = { type: 'feedback', call: card.call, suggestion: card.id, verdict: action }
    // A warning without a sentence is nobody's suggestion: it only leaves the screen.
    if (card.say) this.#connection?.send(message, { keep: true })
    this.#emit('tingban-feedback', { ...detail, verdict: action })
  }

  #raise() {
    const call = shown(this.#state)
    if (!call?.live) return
    const message = { type: 'raise_hand', call: call.call, raised: !call.hand.raised }
    this.#connection?.send(message, { keep: true })
    this.#emit('tingban-hand', { call: call.call, raised: message.raised })
  }

  /** @param {string} name @param {object} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }
}
