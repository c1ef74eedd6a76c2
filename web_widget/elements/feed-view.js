import { firedAt } from '../client/board-state.js'
import { clip, clock } from '../client/text.js'
import { arrangeChildren, h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

/** The last alerts of all calls, newest first; still while somebody points at it. */
export class FeedView {
  /** @type {Map<string, {item: import('../client/board-state.js').FeedItem|null, element: HTMLElement, draw: (item: import('../client/board-state.js').FeedItem, agent: string) => void}>} */
  #items = new Map()
  #list = h('ol', { class: 'feed' })
  #none
  #over = false
  /** @type {readonly import('../client/board-state.js').FeedItem[]} */ #drawn = []

  /** @param {import('../ui/board-strings.js').AllStrings} strings @param {{open: (call: string) => void, redraw: () => void}} how */
  constructor(strings, how) {
    this.strings = strings
    this.how = how
    this.#none = h('p', { class: 'none' }, strings.board.noAlerts)
    this.element = h('aside', { class: 'side', part: 'feed', 'aria-label': strings.board.feed }, h('h3', {}, strings.board.feed), this.#list, this.#none)
    this.#list.addEventListener('pointerenter', () => (this.#over = true))
    this.#list.addEventListener('pointerleave', () => {
      this.#over = false
      how.redraw()
    })
  }

  /** @param {import('../client/board-state.js').BoardState} state */
  update({ feed, rows }) {
    if (feed === this.#drawn || this.#over) return
    this.#drawn = feed
    const items = new Map()
    for (const item of feed) {
      const key = `${item.call} ${item.alert.id}`
      const known = this.#items.get(key) ?? this.#item(item.call)
      if (known.item !== item) known.draw(item, rows.get(item.call)?.info.agent ?? item.call)
      known.item = item
      items.set(key, known)
    }
    this.#items = items
    arrangeChildren(this.#list, [...items.values()].map(({ element }) => element))
    show(this.#none, feed.length === 0)
  }

  /** @param {string} call */
  #item(call) {
    const sign = h('span')
    const kind = h('b')
    const title = h('bdi', { dir: 'auto', lang: 'zh-CN' })
    const who = h('bdi', { dir: 'auto' })
    const time = h('time')
    const quote = h('bdi', { class: 'quote', dir: 'auto', lang: 'zh-CN' })
    const button = h(
      'button', { type: 'button' }, sign,
      h('span', { class: 'line' }, kind, title), time, quote,
    )
    button.addEventListener('click', () => this.how.open(call))
    const draw = (/** @type {import('../client/board-state.js').FeedItem} */ { alert }, /** @type {string} */ agent) => {
      set(button, { class: `severity-${alert.severity}` })
      sign.replaceChildren(icon(alert.severity))
      say(kind, this.strings.board.kinds[alert.severity])
      say(title, alert.title.slice(0, 60))
      say(who, agent)
      say(time, firedAt(alert) ? wall(firedAt(alert)) : clock(alert.at_ms))
      const words = alert.evidence[0]?.text ?? ''
      say(quote, `${agent.slice(0, 40)}${words ? ` 「${clip(words, 60).text}」` : ''}`)
    }
    return { item: null, element: h('li', {}, button), draw }
  }
}

// Made once: each `toLocaleTimeString` would make one of its own, which costs a millisecond.
const WALL = new Intl.DateTimeFormat('zh-CN', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
/** @param {number} seconds since the epoch */
const wall = (seconds) => WALL.format(seconds * 1000)
