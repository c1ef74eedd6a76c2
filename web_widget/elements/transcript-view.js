import { arrangeChildren, h, say, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'
import { UtteranceView } from './utterance-view.js'

const NEAR = 32 // px from the end that still count as reading the newest line

/** What both parties say. Follows the newest line unless the reader has scrolled up. */
export class TranscriptView {
  /** @type {Map<string, UtteranceView>} */ #views = new Map()
  #lines = h('div')
  #blank
  #log
  #newest
  #follows = true
  #call = ''
  /** @type {import('../client/call-state.js').CallState|undefined} */ #drawn

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
    this.#blank = h('p', { class: 'blank' }, strings.nothingYet)
    this.#log = h(
      'div',
      { class: 'transcript', part: 'transcript', role: 'log', 'aria-live': 'off', tabindex: '0', 'aria-label': strings.transcript },
      this.#blank, this.#lines,
    )
    this.#newest = h('button', { type: 'button', class: 'to-newest', part: 'button' }, icon('down'), strings.newest)
    this.#newest.hidden = true
    this.#newest.addEventListener('click', () => this.#follow())
    this.#log.addEventListener('scroll', () => this.#scrolled(), { passive: true })
    this.element = h('section', { class: 'talk' }, this.#log, this.#newest)
    // The newest line stays in view when lines grow, and when the panel shrinks because a card
    // comes. Observers are told after layout and before painting: asking for the height costs nothing.
    this.resized = new ResizeObserver(() => this.#follows && this.#toEnd())
    this.resized.observe(this.#log)
    this.resized.observe(this.#lines)
  }

  /** @param {import('../client/call-state.js').CallState|undefined} call */
  update(call) {
    if (call?.call !== this.#call) this.#begin(call?.call ?? '')
    else if (call && call.utterances === this.#drawn?.utterances && call.alerts === this.#drawn.alerts) return
    this.#drawn = call
    const utterances = call?.utterances ?? []
    const alerts = alertsByUtterance(call?.alerts ?? [])
    const known = new Map()
    let speaker = ''
    for (const one of utterances) {
      const view = this.#views.get(one.utterance) ?? new UtteranceView(this.strings)
      view.update(one, alerts.get(one.utterance) ?? NONE, one.party !== speaker)
      speaker = one.party
      known.set(one.utterance, view)
    }
    this.#views = known
    arrangeChildren(this.#lines, [...known.values()].map((view) => view.element))
    show(this.#blank, utterances.length === 0)
  }

  /** @param {string} call */
  #begin(call) {
    this.#call = call
    this.#views.clear()
    this.#follows = true
    show(this.#newest, false)
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#log
    this.#follows = scrollTop + clientHeight >= scrollHeight - NEAR
    show(this.#newest, !this.#follows)
  }

  #follow() {
    this.#follows = true
    this.#toEnd()
    show(this.#newest, false)
    this.#log.focus({ preventScroll: true })
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight
  }

  /** @param {string} text */
  set blank(text) {
    say(this.#blank, text)
  }
}

/** @type {readonly import('../client/wire.js').Alert[]} */
const NONE = []

/** @param {readonly import('../client/wire.js').Alert[]} alerts */
function alertsByUtterance(alerts) {
  /** @type {Map<string, import('../client/wire.js').Alert[]>} */
  const by = new Map()
  for (const alert of alerts) {
    for (const name of new Set(alert.evidence.map((one) => one.utterance))) {
      if (name) by.set(name, [...(by.get(name) ?? []), alert])
    }
  }
  return by
}
