import { h, say, set, show } from '../ui/dom.js'

const LEAST = 100 // characters a minute at the left end of the scale
const MOST = 400 // and at the right end; 200 to 300 is the comfortable third between
const FINE = [200, 300]

/** How fast the agent speaks and who holds the floor. */
export class GaugesView {
  #rateValue = h('b')
  #rateNote = h('span', { class: 'note' })
  #hand = h('div', { class: 'rate-hand' })
  #agentShare = h('b')
  #customerShare = h('b')
  #bar = h('div', { class: 'share-bar' })
  #rate
  #share

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
    this.#rate = h(
      'div', { class: 'gauge', part: 'gauge' },
      h('div', { class: 'gauge-words' }, h('span', {}, `${strings.rate} `, this.#rateValue, h('span', { class: 'unit' }, ` ${strings.rateUnit}`)), this.#rateNote),
      h('div', { class: 'gauge-track', role: 'meter', 'aria-label': strings.rate, 'aria-valuemin': LEAST, 'aria-valuemax': MOST }, h('div', { class: 'rate-zone' }), this.#hand),
    )
    this.#share = h(
      'div', { class: 'gauge', part: 'gauge' },
      h(
        'div', { class: 'gauge-words' },
        h('span', { class: 'share-key agent' }, strings.party.agent, this.#agentShare),
        h('span', { class: 'share-key' }, this.#customerShare, strings.party.customer),
      ),
      h('div', { class: 'gauge-track', role: 'meter', 'aria-label': `${strings.share} ${strings.party.agent}`, 'aria-valuemin': 0, 'aria-valuemax': 100 }, this.#bar),
    )
    this.element = h('section', { class: 'gauges', part: 'gauges', 'aria-label': strings.gauges }, this.#rate, this.#share)
  }

  /** @param {Readonly<Record<string, number>>} metrics by `party.name` */
  update(metrics) {
    const rate = metrics['agent.rate']
    const share = talkShare(metrics)
    show(this.element, rate !== undefined || share !== undefined)
    const meter = this.#rate.lastElementChild
    if (meter) set(meter, { 'aria-valuenow': Math.round(rate ?? LEAST) })
    say(this.#rateValue, rate === undefined ? '—' : String(Math.round(rate)))
    say(this.#rateNote, rate === undefined ? '' : this.#note(rate))
    show(this.#hand, rate !== undefined)
    this.#hand.style.transform = `translateX(${100 * part(((rate ?? LEAST) - LEAST) / (MOST - LEAST))}%)`
    const percent = share === undefined ? undefined : Math.round(100 * share)
    say(this.#agentShare, percent === undefined ? '—' : `${percent}%`)
    say(this.#customerShare, percent === undefined ? '—' : `${100 - percent}%`)
    show(this.#bar, percent !== undefined)
    this.#bar.style.setProperty('--share', String(share ?? 0))
    const other = this.#share.lastElementChild
    if (other) set(other, { 'aria-valuenow': percent ?? 0 })
  }

  /** @param {number} rate */
  #note(rate) {
    const { slow, fine, fast } = this.strings.rateNote
    return rate < FINE[0] ? slow : rate > FINE[1] ? fast : fine
  }
}

/** @param {Readonly<Record<string, number>>} metrics @returns {number|undefined} the agent's, 0 to 1 */
export function talkShare(metrics) {
  if (metrics['agent.talk_share'] !== undefined) return part(metrics['agent.talk_share'])
  if (metrics['customer.talk_share'] !== undefined) return part(1 - metrics['customer.talk_share'])
  return undefined
}

/** @param {number} value */
const part = (value) => Math.min(1, Math.max(0, value))
