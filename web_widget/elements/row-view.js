import { handled, headline } from '../client/board-state.js'
import { clip, clock } from '../client/text.js'
import { h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'
import { talkShare } from './gauges-view.js'

/** One call on the board. Writes only what differs, so an event costs one or two text nodes. */
export class RowView {
  #icon = h('span')
  #kind = h('span')
  #agent = h('b')
  #queue = h('bdi', { class: 'queue', dir: 'auto' })
  #tier = h('bdi', { class: 'tier', dir: 'auto' })
  #time = h('span', { class: 'time' })
  #title = h('bdi', { class: 'title', dir: 'auto' })
  #quote = h('bdi', { class: 'quote', dir: 'auto' })
  #said = h('bdi', { class: 'said', dir: 'auto' })
  #share = h('span', { class: 'part' })
  #bar = h('span', { class: 'bar' })
  #severity = 'none'
  #raised = h('span', { class: 'raised' })
  #done = h('span', { class: 'handled' })
  /** @type {import('../client/board-state.js').Row|null} */ #row = null
  #current = false

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {string} call @param {(call: string) => void} open */
  constructor(strings, call, open) {
    this.strings = strings
    this.button = h(
      'button', { type: 'button', class: 'row', part: 'row', 'data-call': call, tabindex: '-1' },
      h('span', { class: 'kind' }, this.#icon, this.#kind),
      h('span', { class: 'who' }, this.#agent, this.#raised, this.#queue, this.#tier),
      h('span', { class: 'what', lang: 'zh-CN' }, this.#title, this.#quote),
      h('span', { class: 'help', lang: 'zh-CN' }, this.#done, this.#said),
      h('span', { class: 'share', title: strings.share }, this.#bar, this.#share),
      this.#time,
    )
    this.button.addEventListener('click', () => open(call))
    this.element = h('li', {}, this.button)
  }

  /** @param {import('../client/board-state.js').Row} row @param {boolean} current whether it is open beside */
  update(row, current) {
    if (current !== this.#current) set(this.button, { 'aria-current': current ? 'true' : null })
    this.#current = current
    if (row === this.#row) return
    const before = this.#row
    this.#row = row
    say(this.#time, clock(row.at_ms))
    if (row.info !== before?.info) this.#about(row)
    if (row.severity !== this.#severity) this.#tone(row)
    if (row.live !== before?.live) set(this.button, { 'data-live': String(row.live) })
    if (row.raised !== before?.raised) {
      say(this.#raised, row.raised ? this.strings.board.raised : '')
      set(this.button, { 'data-raised': row.raised })
    }
    if (row.actions !== before?.actions || row.alerts !== before?.alerts || row.says !== before?.says || row.last !== before?.last) this.#words(row)
    if (row.metrics !== before?.metrics) this.#talk(row)
  }

  /** @param {import('../client/board-state.js').Row} row */
  #about({ call, info }) {
    say(this.#agent, info.agent?.slice(0, 40) || `${this.strings.board.unbound} ${call}`.slice(0, 40))
    say(this.#queue, (info.queue ?? '').slice(0, 40))
    say(this.#tier, (info.tier ?? '').slice(0, 16))
    show(this.#tier, Boolean(info.tier))
  }

  /** @param {import('../client/board-state.js').Row} row */
  #tone({ severity }) {
    this.#severity = severity
    set(this.button, { class: severity ? `row severity-${severity}` : 'row', 'data-severity': severity || null })
    say(this.#kind, severity ? this.strings.board.kinds[severity] : this.strings.board.calm)
    this.#icon.replaceChildren(...(severity ? [icon(severity)] : []))
  }

  /** @param {import('../client/board-state.js').Row} row */
  #words(row) {
    const alert = headline(row)
    const words = alert?.evidence[0]?.text ?? ''
    say(this.#title, alert ? alert.title.slice(0, 60) : '')
    show(this.#title, Boolean(alert))
    say(this.#quote, alert && words ? `「${clip(words, 60).text}」` : row.last.slice(-60))
    const state = alert ? handled(row, alert.id) : ''
    say(this.#done, state ? this.strings.board.done[state] : '')
    const said = alert ? row.says[alert.id] : ''
    say(this.#said, said ? `${this.strings.board.suggested}：${clip(said, 80).text}` : '')
  }

  /** @param {import('../client/board-state.js').Row} row */
  #talk({ metrics }) {
    const share = talkShare(metrics)
    set(this.#bar, { 'data-unknown': share === undefined })
    say(this.#share, share === undefined ? '—' : `${this.strings.party.agent} ${Math.round(share * 100)}%`)
    this.#bar.style.setProperty('--share', String(share ?? 0))
  }
}
