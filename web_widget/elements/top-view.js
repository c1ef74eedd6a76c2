import { candidates } from '../client/cards.js'
import { clock } from '../client/text.js'
import { rank } from '../client/wire.js'
import { arrangeChildren, h, say, set, show, words } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

/** The top line: which call this is, how long it lasts, how the connection is; tabs for more calls. */
export class TopView {
  #queue = h('bdi', { class: 'queue', dir: 'auto' })
  #tier = h('bdi', { class: 'tier', dir: 'auto' })
  #clock = h('time', { class: 'clock' })
  #link = h('span', { class: 'link', part: 'status', role: 'status' })
  #hand
  #handLabel = h('span')
  #tabs
  /** @type {Map<string, HTMLButtonElement>} */ #byCall = new Map()

  /** @param {import('../ui/strings.js').Strings} strings @param {(call: string) => void} select @param {(() => void)|null} raise null: nothing to press */
  constructor(strings, select, raise) {
    this.strings = strings
    this.select = select
    this.#tabs = h('div', { class: 'tabs', part: 'tabs', role: 'tablist', 'aria-label': strings.calls })
    this.#tabs.addEventListener('keydown', (event) => this.#arrow(event))
    this.#hand = h(
      'button', { type: 'button', class: 'hand', part: 'button hand', title: `${strings.handHint} (H)`, 'aria-keyshortcuts': 'h', disabled: raise === null },
      icon('hand'), this.#handLabel,
    )
    this.#hand.addEventListener('click', () => raise?.())
    this.element = h(
      'header', { class: 'top', part: 'header' },
      h(
        'div', { class: 'bar' },
        h('span', { class: 'brand', part: 'brand' }, icon('ear'), strings.brand),
        h('span', { class: 'about' }, this.#queue, this.#tier, this.#clock),
        this.#hand,
        this.#link,
      ),
      this.#tabs,
    )
  }

  /**
   * @param {import('../client/agent-state.js').AgentState} state
   * @param {import('../client/call-state.js').CallState|undefined} call
   * @param {import('../client/connection.js').Link} link
   */
  update(state, call, link) {
    say(this.#queue, call ? (call.info.queue ?? call.call) : '')
    say(this.#tier, call?.info.tier ?? '')
    show(this.#tier, Boolean(call?.info.tier))
    say(this.#clock, call ? clock(call.ended?.duration_ms ?? call.at_ms) : '')
    set(this.#link, { 'data-phase': link.phase })
    say(this.#link, this.strings.link[link.phase])
    // For a reader who is not the agent it is a sign and nothing to press.
    show(this.#hand, Boolean(call?.live) && (!this.#hand.disabled || call?.hand.raised === true))
    set(this.#hand, { 'aria-pressed': String(call?.hand.raised === true) })
    say(this.#handLabel, call?.hand.raised ? this.strings.handUp : this.strings.hand)
    show(this.#tabs, state.calls.length > 1)
    const buttons = state.calls.map((one) => this.#tab(one, one === call, state.answers))
    this.#byCall = new Map(state.calls.map((one, i) => [one.call, buttons[i]]))
    arrangeChildren(this.#tabs, buttons)
  }

  /** @param {import('../client/call-state.js').CallState} call @param {boolean} selected @param {Readonly<Record<string, string>>} answers */
  #tab(call, selected, answers) {
    const button = this.#byCall.get(call.call) ?? this.#newTab(call.call)
    const worst = candidates(call, answers)[0]
    const loud = worst && rank(worst.severity) >= rank('high') ? worst.severity : ''
    set(button, {
      'aria-selected': String(selected), tabindex: selected ? '0' : '-1', 'data-live': String(call.live),
      class: `tab${loud ? ` severity-${loud}` : ''}`,
    })
    const label = `${call.info.queue ?? call.call} ${clock(call.ended?.duration_ms ?? call.at_ms)}`
    if (button.dataset.label !== label + loud) {
      button.dataset.label = label + loud
      const sign = loud ? [icon(loud), h('span', { class: 'hush' }, this.strings.severity[loud])] : []
      button.replaceChildren(...sign, words(label))
    }
    return button
  }

  /** @param {string} call */
  #newTab(call) {
    const button = h('button', { type: 'button', role: 'tab', part: 'tab', 'data-call': call })
    button.addEventListener('click', () => this.select(call))
    return button
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const tabs = [...this.#byCall.values()]
    const at = tabs.findIndex((one) => one === event.target)
    if (!step || at < 0) return
    const next = tabs[(at + step + tabs.length) % tabs.length]
    next.focus()
    next.click()
    event.preventDefault()
  }
}
