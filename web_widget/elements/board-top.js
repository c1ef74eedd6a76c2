/** The head of the board: name, filters, the two views, the bell, the link. */
import { SEVERITIES } from '../client/wire.js'
import { h, say, set } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

const LEAST = /** @type {const} */ (['medium', 'high', 'critical'])

/**
 * @typedef {import('./rows-view.js').Filter} Filter
 * @typedef {{filter: (filter: Filter) => void, view: (view: 'calls'|'agents') => void}} How
 */
export class BoardTop {
  #count = h('span', { class: 'count' })
  #status = h('span', { class: 'link', part: 'status', role: 'status' })
  #text
  #severity
  #queue
  #tier
  #known = ''

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {How} how @param {import('../ui/bell.js').Bell} bell @param {'calls'|'agents'} view */
  constructor(strings, how, bell, view) {
    this.strings = strings
    const { board } = strings
    this.#text = h('input', { type: 'search', placeholder: board.filter, 'aria-label': board.filter, maxlength: 60 })
    this.#severity = h('select', { 'aria-label': board.severity }, h('option', { value: '' }, board.all))
    for (const one of LEAST) this.#severity.append(h('option', { value: one }, `≥ ${board.kinds[one]}`))
    this.#queue = h('select', { 'aria-label': board.queue }, h('option', { value: '' }, board.allQueues))
    this.#tier = h('select', { 'aria-label': board.tier }, h('option', { value: '' }, board.allTiers))
    const changed = () => how.filter(this.filter)
    this.#text.addEventListener('input', changed)
    for (const one of [this.#severity, this.#queue, this.#tier]) one.addEventListener('change', changed)
    this.element = h(
      'header', { class: 'top', part: 'header' },
      h('span', { class: 'brand', part: 'brand' }, icon('ear'), strings.brand), h('h2', {}, board.title), this.#count,
      this.#views(how, view),
      h('div', { class: 'filters', role: 'search' }, this.#text, this.#severity, this.#queue, this.#tier),
      ...this.#bells(bell), this.#status,
    )
  }

  /** @returns {Filter} */
  get filter() {
    const severity = SEVERITIES.find((one) => one === this.#severity.value) ?? ''
    return { text: this.#text.value, severity, queue: this.#queue.value, tier: this.#tier.value }
  }

  /** @param {Filter} filter */
  set filter({ text = '', severity = '', queue = '', tier = '' }) {
    this.#text.value = text
    this.#severity.value = severity
    for (const [select, value] of /** @type {const} */ ([[this.#queue, queue], [this.#tier, tier]])) {
      if (value) select.append(h('option', { value }, value.slice(0, 30)))
      select.value = value
    }
  }

  /** @param {How} how @param {'calls'|'agents'} now */
  #views(how, now) {
    const { board } = this.strings
    const buttons = /** @type {const} */ (['calls', 'agents']).map((view) => {
      const button = h('button', { type: 'button', class: 'tool', 'aria-pressed': String(view === now), 'data-view': view }, board[view])
      button.addEventListener('click', () => {
        for (const one of buttons) set(one, { 'aria-pressed': String(one === button) })
        how.view(view)
      })
      return button
    })
    return h('div', { class: 'views', role: 'group', 'aria-label': board.views }, ...buttons)
  }

  /** @param {import('../ui/bell.js').Bell} bell */
  #bells(bell) {
    const { board } = this.strings
    const sound = h('button', { type: 'button', class: 'tool', 'aria-pressed': String(bell.sound) }, board.sound)
    sound.addEventListener('click', () => {
      bell.setSound(!bell.sound)
      set(sound, { 'aria-pressed': String(bell.sound) })
    })
    const notify = h('button', { type: 'button', class: 'tool', 'aria-pressed': String(bell.notify) }, board.notify)
    notify.addEventListener('click', async () => {
      const wanted = !bell.notify
      const on = await bell.setNotify(wanted)
      set(notify, { 'aria-pressed': String(on), title: wanted && !on ? board.notifyDenied : null })
    })
    return [sound, notify]
  }

  /** @param {import('../client/board-state.js').BoardState} state @param {number} shown @param {import('../client/connection.js').Link} link */
  update(state, shown, link) {
    const { strings } = this
    let live = 0
    const queues = new Set([this.#queue.value])
    const tiers = new Set([this.#tier.value])
    for (const { live: on, info } of state.rows.values()) {
      if (on) live += 1
      queues.add(info.queue ?? '')
      tiers.add(info.tier ?? '')
    }
    say(this.#count, strings.board.count(Math.min(shown, live), live))
    set(this.#status, { 'data-phase': link.phase })
    say(this.#status, strings.link[link.phase])
    const key = JSON.stringify([[...queues].sort(), [...tiers].sort()])
    if (key === this.#known) return
    this.#known = key
    this.#options(this.#queue, queues)
    this.#options(this.#tier, tiers)
  }

  /** @param {HTMLSelectElement} select @param {Set<string>} values */
  #options(select, values) {
    const { value } = select
    const wanted = [...values].filter(Boolean).sort().slice(0, 200)
    select.replaceChildren(select.options[0], ...wanted.map((one) => h('option', { value: one }, one.slice(0, 30))))
    select.value = value
  }
}
