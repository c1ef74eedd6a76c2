import { byAgent, NO_CHART } from '../client/agent-charts.js'
import { matches } from '../client/board-order.js'
import { Sparkline } from '../ui/chart.js'
import { arrangeChildren, h, say, set, show } from '../ui/dom.js'

/** Agents instead of calls: how each speaks, and how many cards an hour they need. */
export class AgentsView {
  /** @type {Map<string, AgentLine>} */ #lines = new Map()
  #body = h('tbody')
  #none

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {{open: (call: string) => void}} how */
  constructor(strings, how) {
    this.strings = strings
    this.how = how
    const { board, party } = strings
    this.#none = h('p', { class: 'none' }, board.none)
    const heads = [party.agent, board.live, board.rate, board.share, board.perHour].map((one) => h('th', { scope: 'col' }, one))
    this.element = h(
      'section', { class: 'rows agents', part: 'agents', 'aria-label': board.agents, tabindex: '0' },
      h('table', {}, h('thead', {}, h('tr', {}, ...heads)), this.#body), this.#none,
    )
  }

  /** @param {import('../client/board-state.js').BoardState} state @param {import('./rows-view.js').Filter} filter @returns {number} */
  update(state, filter) {
    const found = byAgent([...state.rows.values()].filter((row) => matches(row, filter)))
    const lines = new Map()
    for (const one of found) {
      const line = this.#lines.get(one.agent) ?? new AgentLine(this.strings, this.how.open)
      line.update(one, state.charts.get(one.agent) ?? NO_CHART)
      lines.set(one.agent, line)
    }
    this.#lines = lines
    arrangeChildren(this.#body, [...lines.values()].map((line) => line.element))
    show(this.#none, found.length === 0)
    return found.length
  }
}

class AgentLine {
  #name = h('bdi', { dir: 'auto' })
  #raised = h('span', { class: 'raised' })
  #call = h('button', { type: 'button', class: 'tool' })
  #rate = new Sparkline(100, 400)
  #rateValue = h('b')
  #share = new Sparkline(0, 1)
  #shareValue = h('b')
  #cards = h('td', { class: 'number' })
  #calls = ['']

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {(call: string) => void} open */
  constructor(strings, open) {
    this.strings = strings
    this.#call.addEventListener('click', () => this.#calls[0] && open(this.#calls[0]))
    const chart = (/** @type {SVGElement} */ line, /** @type {HTMLElement} */ value) => h('td', {}, h('span', { class: 'chart' }, /** @type {any} */ (line), value))
    this.element = h(
      'tr', {}, h('th', { scope: 'row' }, this.#name, this.#raised), h('td', {}, this.#call),
      chart(this.#rate.element, this.#rateValue), chart(this.#share.element, this.#shareValue), this.#cards,
    )
  }

  /** @param {ReturnType<typeof byAgent>[number]} one @param {import('../client/agent-charts.js').Chart} chart */
  update(one, chart) {
    const { board } = this.strings
    this.#calls = one.calls
    set(this.element, { 'data-agent': one.agent })
    say(this.#name, one.agent.slice(0, 40))
    say(this.#raised, one.raised ? board.raised : '')
    show(this.#call, one.calls.length > 0)
    say(this.#call, one.calls.length > 1 ? `${board.live1} ${one.calls.length}` : board.live1)
    set(this.#call, { title: board.open(one.agent) })
    this.#rate.update(chart.rate)
    this.#share.update(chart.talk_share)
    const rate = chart.rate.at(-1)
    const share = chart.talk_share.at(-1)
    say(this.#rateValue, rate === undefined ? '—' : String(Math.round(rate)))
    say(this.#shareValue, share === undefined ? '—' : `${Math.round(share * 100)}%`)
    say(this.#cards, one.cards_per_hour === null ? '—' : one.cards_per_hour.toFixed(1))
  }
}
