import { arrangeChildren, h, say, show, words } from '../ui/dom.js'

const SHOWN = 3

/** Calls that nobody is on, the oldest first: quiet, because the agent may be speaking with somebody. */
export class UnboundView {
  #count = h('span')
  #list = h('ul')
  /** @type {readonly import('../client/wire.js').UnboundCall[]} */ #drawn = []

  /** @param {import('../ui/strings.js').Strings} strings @param {(call: string) => void} claim */
  constructor(strings, claim) {
    this.strings = strings
    this.claim = claim
    this.element = h('section', { class: 'unbound', part: 'unbound' }, this.#count, this.#list)
    this.element.hidden = true
  }

  /** @param {import('../client/agent-state.js').AgentState} state */
  update({ unbound }) {
    if (unbound === this.#drawn) return
    this.#drawn = unbound
    show(this.element, unbound.length > 0)
    say(this.#count, this.strings.unbound(unbound.length))
    arrangeChildren(this.#list, unbound.slice(0, SHOWN).map((one, i) => this.#line(one, i === 0)))
  }

  /** @param {import('../client/wire.js').UnboundCall} one @param {boolean} first the one that the key takes */
  #line({ call, queue }, first) {
    const button = h(
      'button', { type: 'button', class: 'action', part: 'button claim', 'data-call': call, 'aria-keyshortcuts': first ? 't' : null },
      words((queue || call).slice(0, 24)), ` ${this.strings.claimIt}`, first && h('kbd', { 'aria-hidden': 'true' }, 'T'),
    )
    button.addEventListener('click', () => this.claim(call))
    return h('li', {}, button)
  }

  /** Takes the call that has waited longest. */
  first() {
    const [oldest] = this.#drawn
    if (oldest) this.claim(oldest.call)
  }
}
