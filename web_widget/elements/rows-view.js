import { matches, order } from '../client/board-order.js'
import { clock } from '../client/text.js'
import { arrangeChildren, h, say, show } from '../ui/dom.js'
import { RowView } from './row-view.js'

const REORDER_EVERY = 1_000 // ms; a list that is read must not boil

/** @typedef {Parameters<typeof matches>[1]} Filter */

/** The rows: keyed, worst first, still while somebody points at them or steps through them. */
export class RowsView {
  /** @type {Map<string, RowView>} */ #views = new Map()
  /** @type {string[]} */ #order = []
  /** @type {string[]} */ #drawn = []
  #list = h('ol', { class: 'list' })
  #none = h('p', { class: 'none' })
  #held
  #past = h('ol')
  #pastSection
  /** @type {string|null} */ #pastRows = null
  #over = false
  #orderedAt = -REORDER_EVERY
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #later

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {{open: (call: string) => void, redraw: () => void}} how */
  constructor(strings, how) {
    this.strings = strings
    this.how = how
    this.#held = h('p', { class: 'held' }, h('span', {}, strings.board.held))
    this.#pastSection = h('section', { class: 'past' }, h('h3', {}, strings.board.ended), this.#past)
    this.element = h(
      'section', { class: 'rows', part: 'rows', 'aria-label': strings.board.live, tabindex: '-1' },
      this.#list, this.#none, this.#pastSection, this.#held,
    )
    this.#list.addEventListener('pointerenter', () => this.#point(true))
    this.#list.addEventListener('pointerleave', () => this.#point(false))
    this.#list.addEventListener('keydown', (event) => this.#step(event))
  }

  /** @param {boolean} over */
  #point(over) {
    this.#over = over
    this.#orderedAt = -REORDER_EVERY
    this.how.redraw()
  }

  get #holds() {
    if (this.#over) return true
    // Asked with every frame: a search through three hundred rows would cost more than drawing one.
    const { activeElement } = /** @type {ShadowRoot|Document} */ (this.element.getRootNode())
    return activeElement !== null && this.#list.contains(activeElement) && activeElement.matches(':focus-visible')
  }

  /**
   * @param {import('../client/board-state.js').BoardState} state
   * @param {Filter} filter
   * @param {string} current the call that is open beside @returns {number} rows on show
   */
  update(state, filter, current) {
    const hold = this.#holds
    const rows = [...state.rows.values()].filter((row) => row.live || (hold && this.#order.includes(row.call)))
    this.#sort(rows, hold)
    const wanted = this.#order.filter((call) => {
      const row = state.rows.get(call)
      return row && matches(row, filter)
    })
    for (const call of wanted) this.#view(call).update(/** @type {any} */ (state.rows.get(call)), call === current)
    this.#place(wanted, state)
    show(this.#held, hold && wanted.length > 1)
    this.#say(state, wanted.length)
    this.#drawPast(state)
    return wanted.length
  }

  /** @param {import('../client/board-state.js').Row[]} rows @param {boolean} hold */
  #sort(rows, hold) {
    const now = performance.now()
    // The first rows stand in their order at once.
    const wait = this.#order.length ? this.#orderedAt + REORDER_EVERY - now : 0
    clearTimeout(this.#later)
    if (wait > 0 && !hold) this.#later = setTimeout(() => this.how.redraw(), wait)
    if (wait <= 0 && !hold) this.#orderedAt = now
    this.#order = order(this.#order, rows, { hold: hold || wait > 0 })
  }

  /** @param {string[]} wanted @param {import('../client/board-state.js').BoardState} state */
  #place(wanted, state) {
    if (wanted.length === this.#drawn.length && wanted.every((call, i) => call === this.#drawn[i])) return
    this.#drawn = wanted
    arrangeChildren(this.#list, wanted.map((call) => this.#view(call).element))
    for (const call of this.#views.keys()) if (!state.rows.has(call)) this.#views.delete(call)
    this.#reach()
  }

  /** One row is in the tab order, the arrow keys reach the rest. */
  #reach() {
    if (this.#list.querySelector('.row[tabindex="0"]')) return
    this.#list.querySelector('.row')?.setAttribute('tabindex', '0')
  }

  /** @param {string} call */
  #view(call) {
    let view = this.#views.get(call)
    if (!view) this.#views.set(call, (view = new RowView(this.strings, call, this.how.open)))
    return view
  }

  /** @param {import('../client/board-state.js').BoardState} state @param {number} shown */
  #say(state, shown) {
    show(this.#none, shown === 0)
    const live = [...state.rows.values()].some((row) => row.live)
    const { loading, none, noMatch } = this.strings.board
    say(this.#none, !state.loaded ? loading : live ? noMatch : none)
  }

  /** @param {import('../client/board-state.js').BoardState} state */
  #drawPast(state) {
    const ended = [...state.rows.values()].filter((row) => !row.live).reverse()
    const key = ended.map((row) => row.call).join(' ')
    if (key === this.#pastRows) return
    this.#pastRows = key
    const lines = ended.map(({ call, info, at_ms, alerts }) => {
      const button = h('button', { type: 'button', 'aria-label': this.strings.board.open(call) }, info.agent ?? call)
      button.addEventListener('click', () => this.how.open(call))
      return h('li', {}, button, h('span', {}, info.queue ?? ''), h('span', {}, clock(at_ms)), h('bdi', { dir: 'auto', lang: 'zh-CN' }, alerts.at(-1)?.title.slice(0, 40)))
    })
    arrangeChildren(this.#past, lines)
    show(this.#pastSection, ended.length > 0)
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const rows = /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll('.row')])
    const at = rows.findIndex((row) => row === event.target)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    const next = to === undefined || at < 0 ? undefined : rows[to]
    if (!next) return
    rows[at].setAttribute('tabindex', '-1')
    next.setAttribute('tabindex', '0')
    next.focus()
    event.preventDefault()
  }

  /** The row of a call takes the focus back when its detail closes. @param {string} call */
  focus(call) {
    this.#views.get(call)?.button.focus()
  }
}
