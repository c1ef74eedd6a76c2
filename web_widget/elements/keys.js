import { KEYS } from './card-view.js'

/** After the first card changed, a key pressed this soon was meant for the one before. */
const SETTLE = 350 // ms

/**
 * One key an action. Keys work while the widget has the focus; with `shortcuts="page"` anywhere
 * on the page except where somebody types.
 */
export class Keys {
  #cards
  #leadSince = 0
  #lead = ''

  /** @param {import('./cards-view.js').CardsView} cards @param {(action: import('./card-view.js').Action, card: import('../client/cards.js').Card) => void} act @param {Record<string, () => unknown>} [others] keys that concern no card */
  constructor(cards, act, others = {}) {
    this.#cards = cards
    this.act = act
    this.others = others
  }

  /** Call it after each drawing. */
  drawn() {
    const lead = this.#cards.cards[0]?.id ?? ''
    if (lead !== this.#lead) this.#leadSince = performance.now()
    this.#lead = lead
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || typing(event)) return
    if (this.#choose(event.key) || this.#move(event) || this.#do(event)) event.preventDefault()
  }

  /** @param {string} key */
  #choose(key) {
    const card = /^[1-3]$/.test(key) ? this.#cards.at(Number(key) - 1) : undefined
    card?.element.focus()
    return Boolean(card)
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const focused = this.#cards.focused()
    if (!step || !focused) return false
    const at = this.#cards.cards.findIndex((card) => card.id === focused.id)
    return this.#choose(String(at + step + 1))
  }

  /** @param {KeyboardEvent} event */
  #do(event) {
    const key = event.key.toLowerCase()
    const action = KEYS[key]
    if (event.repeat) return false
    if (Object.hasOwn(this.others, key)) {
      this.others[key]()
      return true
    }
    if (!action) return false
    const focused = this.#cards.focused()
    const card = focused ?? this.#cards.cards[0]
    if (!card) return false
    if (!focused && performance.now() - this.#leadSince < SETTLE) return true
    this.act(action, card)
    return true
  }
}

/** Whether the key goes into somebody's text. @param {KeyboardEvent} event */
function typing(event) {
  const target = event.composedPath()[0]
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}
