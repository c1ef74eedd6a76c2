import { clock } from '../client/text.js'
import { arrangeChildren, h, say, words } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

/** What stays on screen after a call: how long, what was noticed, what helped. */
export class SummaryView {
  #heading = h('h2')
  #figures = h('dl', { class: 'figures' })
  #noticed = h('ul', { class: 'noticed' })
  #drawn = ''

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
    this.element = h(
      'div', { class: 'summary', part: 'summary' },
      this.#heading, this.#figures, this.#noticed, h('p', { class: 'next' }, strings.endedNext),
    )
  }

  /** @param {import('../client/call-state.js').CallState} call @param {Readonly<Record<string, string>>} answers */
  update(call, answers) {
    const { strings } = this
    const given = verdicts(call, answers)
    const key = JSON.stringify([call.call, call.seq, given])
    if (key === this.#drawn) return
    this.#drawn = key
    say(this.#heading, call.ended?.why === 'unseen' ? strings.endedUnseen : strings.ended)
    const figures = [
      [strings.duration, clock(call.ended?.duration_ms ?? call.at_ms)],
      [strings.summary.alerts, String(call.alerts.length)],
      ...(['used', 'dismissed', 'wrong']).map((verdict) => [
        strings.summary[/** @type {'used'} */ (verdict)], String(given.filter((one) => one === verdict).length),
      ]),
    ]
    arrangeChildren(this.#figures, figures.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))
    const notes = call.alerts.slice(-8).map((alert) =>
      h('li', { class: `severity-${alert.severity}` }, icon(alert.severity), h('span', { class: 'hush' }, strings.severity[alert.severity]), words(alert.title.slice(0, 40), { lang: 'zh-CN' })),
    )
    arrangeChildren(this.#noticed, notes)
  }
}

/** @param {import('../client/call-state.js').CallState} call @param {Readonly<Record<string, string>>} answers */
function verdicts(call, answers) {
  const mine = Object.entries(answers)
    .filter(([key]) => key.startsWith(`${call.call} `))
    .map(([key, verdict]) => [key.slice(call.call.length + 1), verdict])
  return Object.values({ ...Object.fromEntries(mine), ...call.verdicts })
}
