import { clock } from '../client/text.js'
import { h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'
import { Clipped } from './clipped.js'

/** @typedef {'copy'|import('../client/wire.js').Verdict} Action */

/** One key each, the same as the letter on the button. @type {Record<string, Action>} */
export const KEYS = { c: 'copy', u: 'used', x: 'dismissed', w: 'wrong' }
const ACTIONS = /** @type {[string, Action][]} */ (Object.entries(KEYS))
const COPIED_FOR = 1_600 // ms that the button says so

/** One card: what to say, why, and four things to do with it. */
export class CardView {
  #icon = h('span')
  #kind = h('span')
  #title = h('bdi', { class: 'title', dir: 'auto', lang: 'zh-CN' })
  #state = h('span', { class: 'state' })
  #number = h('kbd', { 'aria-hidden': 'true' })
  #who = h('span', { class: 'who' })
  #say
  #quote
  #sayLine
  #whyLine
  /** @type {Map<Action, HTMLButtonElement>} */ #buttons = new Map()
  #copyLabel = h('span', { class: 'label' })
  #iconName = ''
  /** @type {import('../client/cards.js').Card|null} */ card = null

  /**
   * @param {import('../ui/strings.js').Strings} strings
   * @param {(action: Action, card: import('../client/cards.js').Card) => void} act
   * @param {boolean} observe a reader who is not the agent has nothing to press
   */
  constructor(strings, act, observe) {
    this.strings = strings
    this.#say = new Clipped(strings, 160)
    this.#quote = new Clipped(strings, 80, 'q')
    this.#sayLine = h('p', { class: 'say', part: 'say', lang: 'zh-CN' }, ...this.#say.nodes)
    this.#whyLine = h('p', { class: 'why', part: 'why', lang: 'zh-CN' }, this.#who, ...this.#quote.nodes)
    const head = h(
      'header', { class: 'head' },
      h('span', { class: 'kind' }, this.#icon, this.#kind), this.#title, this.#state, observe ? null : this.#number,
    )
    const actions = h('div', { class: 'actions', part: 'actions' }, ...(observe ? [] : this.#makeButtons(act)))
    this.element = h('article', { part: 'card', tabindex: '-1' }, head, this.#sayLine, this.#whyLine, observe ? null : actions)
  }

  /** @param {(action: Action, card: import('../client/cards.js').Card) => void} act */
  #makeButtons(act) {
    return ACTIONS.map(([key, action]) => {
      const label = action === 'copy' ? this.#copyLabel : h('span', { class: 'label' }, this.strings[action])
      const button = h(
        'button',
        {
          type: 'button', part: `button ${action}`, 'data-action': action, 'aria-keyshortcuts': key,
          class: `action ${action} ${action === 'copy' ? 'primary' : 'plain'}`, title: `${this.strings[action]} (${key.toUpperCase()})`,
        },
        icon(action), label, h('kbd', { 'aria-hidden': 'true' }, key.toUpperCase()),
      )
      button.addEventListener('click', () => this.card && act(action, this.card))
      this.#buttons.set(action, button)
      return button
    })
  }

  /** @param {import('../client/cards.js').Card} card @param {number} place from 0 */
  update(card, place) {
    this.card = card
    const { strings } = this
    const likely = card.likely && !card.title.startsWith(strings.likely) ? ` ${strings.likely}` : ''
    set(this.element, {
      class: `card severity-${card.severity}${place > 0 && card.severity !== 'critical' ? ' minor' : ''}${card.gone ? ' gone' : ''}`,
      part: `card ${card.severity}${place === 0 ? ' lead' : ''}`,
      'data-id': card.id, 'data-seq': card.seq, 'data-state': card.state, 'data-severity': card.severity,
      'aria-label': `${strings.severity[card.severity]} ${card.title} ${card.say}`.slice(0, 300),
      inert: card.gone,
    })
    if (this.#iconName !== card.severity) {
      this.#iconName = card.severity
      this.#icon.replaceChildren(icon(card.severity))
    }
    say(this.#kind, kindOf(card, strings) + likely)
    say(this.#title, card.title.slice(0, 120))
    say(this.#state, card.gone ? strings.gone : strings.state[card.state])
    set(this.#state, { 'data-state': card.state })
    say(this.#number, String(place + 1))
    show(this.#sayLine, card.say !== '')
    this.#say.update(card.say)
    show(this.#whyLine, card.quote !== '')
    say(this.#who, `${strings.party[card.party]} ${clock(card.at_ms)}`)
    this.#quote.update(card.quote)
    for (const button of this.#buttons.values()) button.disabled = card.gone
    const copy = this.#buttons.get('copy')
    if (copy) show(copy, card.say !== '')
    if (!this.#copyLabel.dataset.copied) say(this.#copyLabel, strings.copy)
  }

  copied() {
    say(this.#copyLabel, this.strings.copied)
    this.#copyLabel.dataset.copied = 'yes'
    setTimeout(() => {
      delete this.#copyLabel.dataset.copied
      say(this.#copyLabel, this.strings.copy)
    }, COPIED_FOR)
  }
}

/**
 * A card helps and does not blame: about the agent's own words it names the way out, not the
 * severity. Danger is called danger.
 * @param {import('../client/cards.js').Card} card @param {import('../ui/strings.js').Strings} strings
 */
function kindOf({ category, severity, say: sentence }, strings) {
  if (severity === 'critical' || !sentence || !category.startsWith('agent.')) return strings.severity[severity]
  return category.startsWith('agent.missing') ? strings.add : strings.rephrase
}
