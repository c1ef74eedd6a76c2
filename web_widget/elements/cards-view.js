import { arrange } from '../client/cards.js'
import { arrangeChildren, h, say, show } from '../ui/dom.js'
import { glide, places } from '../ui/glide.js'
import { CardView } from './card-view.js'

/** A click this soon after the cards moved under the pointer was meant for the one before. */
const SETTLE = 350 // ms

/**
 * At most three cards. While the pointer is on them none moves; one that was withdrawn meanwhile
 * goes when the pointer leaves. Only the reader's own answer takes a card away at once.
 */
export class CardsView {
  /** @type {Map<string, CardView>} */ #views = new Map()
  /** @type {import('../client/cards.js').Card[]} */ #shown = []
  #list = h('div', { class: 'list' })
  #quiet
  #over = false
  #movedAt = -SETTLE

  /**
   * @param {import('../ui/strings.js').Strings} strings
   * @param {{act: (action: import('./card-view.js').Action, card: import('../client/cards.js').Card) => void,
   *   released: () => void, observe: boolean}} how released: the pointer left, draw again
   */
  constructor(strings, { act, released, observe }) {
    this.strings = strings
    this.act = (/** @type {import('./card-view.js').Action} */ action, /** @type {import('../client/cards.js').Card} */ card) => {
      if (performance.now() - this.#movedAt > SETTLE) act(action, card)
    }
    this.observe = observe
    this.#quiet = h('p', { class: 'quiet' }, strings.listening)
    this.element = h(
      'section', { class: 'cards', part: 'cards', 'aria-label': strings.cards, tabindex: '-1' },
      this.#list, this.#quiet,
    )
    this.#list.addEventListener('pointerenter', () => (this.#over = true))
    this.#list.addEventListener('pointerleave', () => {
      this.#over = false
      this.#movedAt = -SETTLE
      released()
    })
  }

  /**
   * @param {readonly import('../client/cards.js').Card[]} ranked @param {boolean} live
   * @param {(card: import('../client/cards.js').Card) => boolean} answered
   */
  update(ranked, live, answered) {
    const focused = this.focused()
    const hold = this.#over && live
    const before = this.#shown.filter((card) => !answered(card))
    const cards = arrange(before, ranked, { hold, kept: this.#list.querySelector('.card:hover')?.getAttribute('data-id') ?? focused?.id })
    const moved = cards.length !== this.#shown.length || cards.some((card, i) => card.id !== this.#shown[i]?.id)
    const were = moved ? places(this.#list) : null
    if (moved && this.#over) this.#movedAt = performance.now()
    this.#shown = cards
    const views = new Map()
    cards.forEach((card, place) => {
      const view = this.#views.get(card.id) ?? new CardView(this.strings, this.act, this.observe)
      view.update(card, place)
      views.set(card.id, view)
    })
    this.#views = views
    if (moved) arrangeChildren(this.#list, [...views.values()].map((view) => view.element))
    if (were) glide(this.#list, were)
    show(this.#quiet, live && cards.length === 0)
    if (focused && !views.has(focused.id)) (this.lead()?.element ?? this.element).focus({ preventScroll: true })
  }

  /** The cards on screen, the most urgent first. */
  get cards() {
    return this.#shown.filter((card) => !card.gone)
  }

  /** @param {number} place from 0 @returns {CardView|undefined} */
  at(place) {
    return this.#views.get(this.#shown[place]?.id)
  }

  lead() {
    return this.at(0)
  }

  /** @param {string} id */
  view(id) {
    return this.#views.get(id)
  }

  /** The card that holds the keyboard's focus. */
  focused() {
    const root = /** @type {ShadowRoot|Document} */ (this.element.getRootNode())
    const card = root.activeElement?.closest('.card')
    return card ? this.#views.get(card.getAttribute('data-id') ?? '')?.card : undefined
  }

  /** @param {string} text */
  set quiet(text) {
    say(this.#quiet, text)
  }
}
