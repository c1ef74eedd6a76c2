import { clip, clock, length } from '../client/text.js'
import { spans } from '../client/spans.js'
import { h, say, set } from '../ui/dom.js'

const LONG = 400 // characters of one utterance before it is shown in part

/**
 * One utterance. While it is spoken only its own text nodes change, and the place that it once
 * took is kept until it is final, and again when a final is replaced, so the lines around it stay.
 */
export class UtteranceView {
  #name = h('b')
  #time = h('time')
  #text = h('bdi', { dir: 'auto', lang: 'zh-CN' })
  #room = h('span', { class: 'room', 'aria-hidden': 'true' })
  #more = h('button', { type: 'button', class: 'more' })
  #longest = 0
  #final = false
  #open = false
  #turn = false
  /** @type {import('../client/wire.js').Transcript|null} */ #shown = null
  /** @type {readonly import('../client/wire.js').Alert[]} */ #alerts = []

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
    const spoken = h('p', { class: 'spoken' }, this.#text, this.#room, this.#more)
    this.element = h('div', { part: 'utterance' }, h('div', { class: 'speaker' }, this.#name, this.#time), spoken)
    this.#more.hidden = true
    this.#more.addEventListener('click', () => {
      this.#open = !this.#open
      if (this.#shown) this.#draw(this.#shown)
    })
  }

  /**
   * @param {import('../client/wire.js').Transcript} utterance
   * @param {readonly import('../client/wire.js').Alert[]} alerts that rest on it
   * @param {boolean} turn whether the speaker changes here
   */
  update(utterance, alerts, turn) {
    const changed = utterance !== this.#shown || !same(alerts, this.#alerts)
    if (!changed && turn === this.#turn) return
    this.#turn = turn
    set(this.element, {
      class: `utterance ${utterance.party}${turn ? ' turn' : ''}`,
      part: `utterance ${utterance.party}`,
      'data-utterance': utterance.utterance, 'data-final': String(utterance.final),
    })
    if (!changed) return
    this.#shown = utterance
    this.#alerts = alerts
    say(this.#name, this.strings.party[utterance.party])
    say(this.#time, clock(utterance.start_ms))
    this.#draw(utterance)
  }

  /** @param {import('../client/wire.js').Transcript} utterance */
  #draw(utterance) {
    const whole = length(utterance.text)
    const long = whole > LONG
    set(this.#more, { hidden: !long })
    if (long) say(this.#more, this.#open ? this.strings.less : this.strings.full)
    if (long && !this.#open) {
      // Of what is still being said the end matters, of what was said the beginning.
      const { text } = clip(utterance.text, LONG, utterance.final ? 'start' : 'end')
      this.#spans([{ text, kind: 'stable', mark: '' }])
    } else this.#spans(spans(utterance, this.#alerts))
    // A second pass may change a final: then, too, the lines below stay where they are.
    this.#longest = utterance.final && !this.#final ? whole : Math.max(this.#longest, whole)
    this.#final = utterance.final
    // Unseen ideographs, because spaces would hang past the end of the line and take no place.
    say(this.#room, long ? '' : '口'.repeat(Math.max(0, this.#longest - whole)))
  }

  /** @param {import('../client/spans.js').Span[]} list */
  #spans(list) {
    const parent = this.#text
    while (parent.childElementCount > list.length) parent.lastElementChild?.remove()
    list.forEach(({ text, kind, mark }, i) => {
      const tag = mark ? 'MARK' : 'SPAN'
      let node = parent.children[i]
      if (node?.tagName !== tag) {
        const fresh = document.createElement(tag)
        if (node) node.replaceWith(fresh)
        else parent.append(fresh)
        node = fresh
      }
      set(node, { class: mark ? `mark severity-${mark} ${kind}` : kind })
      say(node, text)
    })
  }
}

/** @param {readonly object[]} a @param {readonly object[]} b */
const same = (a, b) => a.length === b.length && a.every((one, i) => one === b[i])
