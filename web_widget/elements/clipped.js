import { clip } from '../client/text.js'
import { h, say } from '../ui/dom.js'

/**
 * Words from outside that may be far too long: the first `limit` characters, and the rest on
 * demand. `update` keeps what the reader opened open.
 */
export class Clipped {
  #words = h('bdi', { dir: 'auto' })
  #more
  #whole = ''
  #open = false

  /** @param {import('../ui/strings.js').Strings} strings @param {number} limit @param {'bdi'|'q'} [tag] */
  constructor(strings, limit, tag = 'bdi') {
    this.strings = strings
    this.limit = limit
    if (tag === 'q') this.#words = h('q', { dir: 'auto' })
    this.#more = h('button', { type: 'button', class: 'more' })
    this.#more.hidden = true
    this.#more.addEventListener('click', (event) => {
      event.stopPropagation()
      this.#open = !this.#open
      this.update(this.#whole)
    })
    this.nodes = [this.#words, this.#more]
  }

  /** @param {string} whole */
  update(whole) {
    this.#whole = whole
    const { text, clipped } = clip(whole, this.limit)
    say(this.#words, this.#open ? whole : text)
    this.#more.hidden = !clipped
    if (clipped) say(this.#more, this.#open ? this.strings.less : this.strings.full)
  }
}
