import { checklists } from '../client/steps.js'
import { clip } from '../client/text.js'
import { arrangeChildren, h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

const PROMISES = 'promises'

/**
 * One calm line that never changes its height: how far each checklist is, what comes next, how
 * many promises were made. Pressing one of them opens its list below.
 */
export class ChecklistView {
  #buttons = h('div', { class: 'lists', role: 'group' })
  #prefix = h('span', { class: 'prefix' })
  #title = h('bdi', { dir: 'auto', lang: 'zh-CN' })
  #next = h('span', { class: 'next-step' }, this.#prefix, this.#title)
  #panel = h('ol', { class: 'panel', tabindex: '0' })
  /** @type {Map<string, {button: HTMLButtonElement, name: HTMLElement, pips: HTMLElement, count: HTMLElement}>} */
  #byList = new Map()
  #open = ''
  #drawn = ''
  /** @type {readonly object[]} */ #seen = []
  /** @type {import('../client/call-state.js').CallState|undefined} */ #call

  /** @param {import('../ui/strings.js').Strings} strings */
  constructor(strings) {
    this.strings = strings
    this.element = h(
      'section', { class: 'checklist', part: 'checklist', 'aria-label': strings.nextStep },
      h('div', { class: 'strip' }, this.#buttons, this.#next), this.#panel,
    )
    this.#panel.hidden = true
  }

  /** @param {import('../client/call-state.js').CallState|undefined} call */
  update(call) {
    const seen = [call?.steps ?? NONE, call?.commitments ?? NONE]
    if (call?.call === this.#call?.call && seen.every((one, i) => one === this.#seen[i])) return
    if (call?.call !== this.#call?.call) this.#open = ''
    this.#seen = seen
    this.#call = call
    this.#draw()
  }

  #draw() {
    const { strings } = this
    const lists = checklists(this.#call?.steps ?? [])
    const promises = this.#call?.commitments ?? []
    show(this.element, lists.length > 0 || promises.length > 0)
    const names = /** @type {Record<string, string>} */ (strings.lists)
    const buttons = lists.map(({ list, steps, done }) => this.#button(list, names[list] ?? clip(list, 8).text, `${done}/${steps.length}`, steps))
    if (promises.length) buttons.push(this.#button(PROMISES, strings.promises, String(promises.length), []))
    arrangeChildren(this.#buttons, buttons)
    // A complaint is being handled: its steps matter more than the ordinary flow.
    const now = [...lists].reverse().find((one) => one.next) ?? lists[0]
    say(this.#prefix, now?.next ? `${strings.nextStep}：` : '')
    say(this.#title, now?.next ? clip(now.next.title, 20).text : lists.length ? strings.allDone : '')
    set(this.#next, { 'data-state': now?.next?.state })
    this.#list(lists, promises)
  }

  /** @param {string} list @param {string} name @param {string} count @param {readonly import('../client/wire.js').Step[]} steps */
  #button(list, name, count, steps) {
    let known = this.#byList.get(list)
    if (!known) {
      const made = { button: h('button', { type: 'button', class: 'list-button', part: 'button', 'data-list': list }), name: h('span'), pips: h('span', { class: 'pips', 'aria-hidden': 'true' }), count: h('b') }
      made.button.append(made.name, made.pips, made.count)
      made.button.addEventListener('click', () => {
        this.#open = this.#open === list ? '' : list
        this.#draw()
      })
      this.#byList.set(list, (known = made))
    }
    say(known.name, name)
    say(known.count, count)
    while (known.pips.childElementCount > steps.length) known.pips.lastElementChild?.remove()
    steps.forEach((one, i) => set(known.pips.children[i] ?? known.pips.appendChild(h('i')), { 'data-state': one.state }))
    set(known.button, { 'aria-expanded': String(this.#open === list) })
    return known.button
  }

  /** @param {ReturnType<typeof checklists>} lists @param {readonly import('../client/wire.js').Commitment[]} promises */
  #list(lists, promises) {
    const steps = lists.find((one) => one.list === this.#open)?.steps
    const shown = steps ?? (this.#open === PROMISES ? promises : null)
    show(this.#panel, shown !== null)
    const key = JSON.stringify([this.#open, shown])
    if (key === this.#drawn) return
    this.#drawn = key
    const made = steps ? steps.map((one) => this.#step(one)) : shown ? promises.map((one) => this.#promise(one)) : []
    arrangeChildren(this.#panel, made)
  }

  /** @param {import('../client/wire.js').Step} step */
  #step({ title, state }) {
    return h(
      'li', { class: 'step', 'data-state': state },
      h('span', { class: 'tick' }, state === 'done' ? icon('used') : null),
      h('bdi', { dir: 'auto', lang: 'zh-CN' }, title.slice(0, 60)), h('span', { class: 'step-state' }, this.strings.stepState[state]),
    )
  }

  /** @param {import('../client/wire.js').Commitment} one */
  #promise({ text, due }) {
    return h(
      'li', { class: 'step promise' }, h('bdi', { dir: 'auto', lang: 'zh-CN' }, clip(text, 80).text),
      due ? h('span', { class: 'step-state' }, `${this.strings.due} `, h('bdi', { dir: 'auto' }, clip(due, 16).text)) : null,
    )
  }
}

/** @type {readonly never[]} */
const NONE = []
