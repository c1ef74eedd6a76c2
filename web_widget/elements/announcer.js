import { h } from '../ui/dom.js'

/**
 * Says new cards to screen readers, each once: politely, and at once for danger. The cards
 * themselves are not live regions, or every confirmation would be read again.
 */
export class Announcer {
  #polite = h('div', { 'aria-live': 'polite', role: 'status' })
  #urgent = h('div', { 'aria-live': 'assertive', role: 'alert' })
  element = h('div', { class: 'hush' }, this.#polite, this.#urgent)
  /** @type {Map<string, string>} severity in which a card was said */ #said = new Map()

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
  }

  /** @param {readonly import('../client/cards.js').Card[]} cards on screen */
  update(cards) {
    for (const card of cards) {
      const key = `${card.call} ${card.id}`
      const urgent = card.severity === 'critical'
      if (this.#said.get(key) === (urgent ? 'urgent' : 'polite') || this.#said.get(key) === 'urgent') continue
      this.#said.set(key, urgent ? 'urgent' : 'polite')
      const text = card.say || card.title
      if (urgent) this.urgent(`${this.strings.severity.critical}：${card.title}。${text}`)
      else this.polite(this.strings.newCard(text))
    }
    // Old ids would only pile up over a long day.
    for (const key of [...this.#said.keys()].slice(0, Math.max(0, this.#said.size - 200))) this.#said.delete(key)
  }

  /** @param {import('../client/wire.js').Whisper} one */
  whisper({ call, id, by, text }) {
    const key = `${call} whisper ${id}`
    if (this.#said.has(key)) return
    this.#said.set(key, 'polite')
    this.polite(`${this.strings.whisper(by.slice(0, 24))}：${text}`)
  }

  /** @param {string} text */
  polite(text) {
    this.#polite.replaceChildren(h('p', {}, text.slice(0, 300)))
  }

  /** @param {string} text */
  urgent(text) {
    this.#urgent.replaceChildren(h('p', {}, text.slice(0, 300)))
  }
}
