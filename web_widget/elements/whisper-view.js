import { clock } from '../client/text.js'
import { h, say, set, show } from '../ui/dom.js'
import { Clipped } from './clipped.js'

/** The lead's newest unread words to the agent; they stay until the agent says that they were read. */
export class WhisperView {
  #by = h('b')
  #text
  #more = h('span', { class: 'waiting' })
  /** @type {import('../client/wire.js').Whisper|null} */ whisper = null

  /** @param {import('../ui/strings.js').Strings} strings @param {(whisper: import('../client/wire.js').Whisper) => void} read @param {boolean} observe */
  constructor(strings, read, observe) {
    this.strings = strings
    this.#text = new Clipped(strings, 160)
    const button = h('button', { type: 'button', class: 'action', part: 'button', 'aria-keyshortcuts': 'k' }, strings.gotIt, h('kbd', { 'aria-hidden': 'true' }, 'K'))
    button.addEventListener('click', () => this.whisper && read(this.whisper))
    this.element = h(
      'section', { class: 'whisper', part: 'whisper' },
      h('p', {}, this.#by, ...this.#text.nodes), this.#more, observe ? null : button,
    )
    this.element.hidden = true
  }

  /** @param {import('../client/call-state.js').CallState|undefined} call @param {ReadonlySet<string>} read by `call id` */
  update(call, read) {
    const unread = call?.live ? call.whispers.filter((one) => !read.has(`${one.call} ${one.id}`)) : []
    // The oldest first: words are read in the order they were said.
    this.whisper = unread[0] ?? null
    show(this.element, this.whisper !== null)
    if (!this.whisper) return
    set(this.element, { 'data-id': this.whisper.id })
    say(this.#by, `${this.strings.whisper(this.whisper.by.slice(0, 24))} ${clock(this.whisper.at_ms)}`)
    this.#text.update(this.whisper.text)
    say(this.#more, unread.length > 1 ? `+${unread.length - 1}` : '')
  }
}
