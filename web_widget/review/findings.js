/** What was said and what it caused, side by side; a reviewer hears the words and judges the cue. */
import { ask } from '../client/api.js'
import { categoryName, CATEGORIES } from '../client/categories.js'
import { HELD, named, statusLine, WITHDRAWN } from '../client/reasons.js'
import { spans } from '../client/spans.js'
import { clip, clock } from '../client/text.js'
import { h, say, set, words } from '../ui/dom.js'
import { icon } from '../ui/icons.js'
import { boardStringsFor } from '../ui/board-strings.js'
import { stringsFor } from '../ui/strings.js'

const AROUND = 300 // ms before and after the words

/**
 * @typedef {{lang: string, text: import('./strings.js').ReviewStrings['review'], server: URL,
 *   hear: (from: number, to: number) => void, may: boolean}} How may: judge, beside looking
 */
export class Findings {
  /** @type {{start: number, end: number, element: HTMLElement}[]} */ #lines = []
  #now = -1
  #fault = h('p', { class: 'fault', role: 'alert' })

  /** @param {import('../client/review-state.js').Review} review @param {How} how */
  constructor(review, how) {
    this.review = review
    this.how = how
    const { text } = how
    const alerts = review.cues.filter((one) => !one.retracted).map((one) => one.alert)
    const spoken = h('ol', { class: 'spoken-lines' }, ...review.utterances.map((one) => this.#utterance(one, alerts)))
    const cues = h('ol', { class: 'cue-list' }, ...review.cues.map((one) => this.#cue(one)))
    this.element = h(
      'div', { class: 'findings' },
      h('section', { class: 'panel', 'aria-label': text.transcript }, h('h2', {}, text.transcript), spoken),
      h('section', { class: 'panel', 'aria-label': text.cues }, h('h2', {}, text.cues), this.#fault, review.cues.length ? cues : h('p', {}, text.nothing), ...this.#rest()),
    )
  }

  /** The line that is heard now. @param {number} ms */
  move(ms) {
    const now = this.#lines.findIndex((one) => one.start <= ms && ms < one.end)
    if (now === this.#now) return
    this.#lines[this.#now]?.element.classList.remove('now')
    this.#lines[now]?.element.classList.add('now')
    this.#now = now
  }

  /** @param {import('../client/wire.js').Transcript} one @param {readonly import('../client/wire.js').Alert[]} alerts */
  #utterance(one, alerts) {
    const { text } = this.how
    const own = alerts.filter((alert) => alert.evidence.some((span) => span.utterance === one.utterance))
    const time = h('button', { type: 'button', class: 'plain', title: text.hear }, clock(one.start_ms))
    time.addEventListener('click', () => this.how.hear(one.start_ms - AROUND, one.end_ms + AROUND))
    const said = h('bdi', { dir: 'auto', lang: 'zh-CN' })
    for (const { text: part, mark } of spans({ ...one, text: clip(one.text, 2000).text }, own)) {
      said.append(mark ? h('mark', { class: `severity-${mark}` }, part) : part)
    }
    const element = h('li', { class: one.party, 'data-utterance': one.utterance }, time, h('b', {}, text.lanes[one.party]), said, this.how.may ? this.#missed(one) : null)
    this.#lines.push({ start: one.start_ms, end: one.end_ms, element })
    return element
  }

  /** A form that opens at the words that should have caused something. @param {import('../client/wire.js').Transcript} one */
  #missed(one) {
    const { text, lang } = this.how
    const open = h('button', { type: 'button', class: 'plain missed' }, text.missedHere)
    open.addEventListener('click', () => {
      const category = h('select', { 'aria-label': text.missedWhat }, ...CATEGORIES.map((name) => h('option', { value: name }, categoryName(name, lang))))
      category.value = one.party === 'agent' ? 'agent.forbidden' : 'customer.complaint'
      const quote = h('input', { 'aria-label': text.quote, maxlength: 200, required: true, value: chosen(one.text) })
      const cancel = h('button', { type: 'button', class: 'press light' }, text.cancel)
      const form = h('form', { class: 'mark-form' }, category, quote, h('button', { class: 'press' }, text.save), cancel)
      cancel.addEventListener('click', () => form.replaceWith(open))
      form.addEventListener('submit', async (event) => {
        event.preventDefault()
        const mark = { verdict: 'missed', alert: '', category: category.value, utterance: one.utterance, quote: quote.value, note: '' }
        if (await this.#send(mark)) form.replaceWith(h('span', { class: 'facts', role: 'status' }, `${text.marks.missed}：${categoryName(category.value, lang)}`))
      })
      open.replaceWith(form)
      quote.focus()
    })
    return open
  }

  /** @param {import('../client/review-state.js').Cue} cue */
  #cue(cue) {
    const { text, lang } = this.how
    const { alert, suggestion } = cue
    // Danger is both, and is said once.
    const about = [...new Set([boardStringsFor(lang).kinds[alert.severity], categoryName(alert.category, lang)].map((one) => (/^danger$/i.test(one) ? one.toLowerCase() : one)))]
    const evidence = alert.evidence.map((span) => {
      const hear = h('button', { type: 'button', class: 'plain hear', title: text.hear }, clock(span.start_ms), ' ', h('q', { dir: 'auto', lang: 'zh-CN' }, clip(span.text, 80).text))
      hear.addEventListener('click', () => this.how.hear(span.start_ms - AROUND, span.end_ms + AROUND))
      return h('li', {}, hear, span.path === 'exact' ? '' : ` ${span.path}`)
    })
    const fate = [
      cue.retracted && `${text.retracted}${text.colon}${named(WITHDRAWN, cue.retracted, lang)}`,
      cue.suppressed && `${text.suppressed}${text.colon}${named(HELD, cue.suppressed, lang)}`,
      text.verdicts[/** @type {'used'} */ (cue.verdict)] ?? '',
    ].filter(Boolean)
    return h(
      'li', { class: `cue severity-${alert.severity}`, 'data-alert': alert.id },
      h('h3', {}, icon(alert.severity), words(clip(alert.title, 60).text), h('span', { class: 'facts' }, about.join(' · '))),
      h('ul', { class: 'evidence' }, ...evidence),
      suggestion ? h('p', { class: 'card-said' }, `${text.suggestion}${text.colon}`, h('bdi', { dir: 'auto', lang: 'zh-CN' }, clip(suggestion.say, 200).text)) : null,
      fate.length ? h('p', { class: 'facts' }, fate.join(' · ')) : null, this.#why(cue), this.how.may ? this.#judge(cue) : null,
    )
  }

  /** @param {import('../client/review-state.js').Cue} cue */
  #why({ alert, stages }) {
    const { text } = this.how
    const more = /** @type {{pack?: string, version?: unknown, trace?: unknown[]}} */ (alert)
    const took = stages.map(({ name, ms }) => `${text.stageNames[/** @type {'fired'} */ (name)] ?? name} ${ms} ${text.ms}`)
    const trace = (more.trace ?? []).slice(0, 40).map((one) => h('li', {}, words(clip(typeof one === 'string' ? one : JSON.stringify(one), 300).text)))
    return h(
      'details', {}, h('summary', {}, text.why),
      h('dl', { class: 'why' }, h('dt', {}, text.rule), h('dd', {}, words(`${alert.rule} ${more.version === undefined ? '' : `v${more.version}`}`)), ...(more.pack ? [h('dt', {}, text.pack), h('dd', {}, words(String(more.pack)))] : []), ...(took.length ? [h('dt', {}, text.stages), h('dd', {}, took.join(' · '))] : [])),
      trace.length ? h('ol', { class: 'trace', 'aria-label': text.trace }, ...trace) : null,
    )
  }

  /** @param {import('../client/review-state.js').Cue} cue */
  #judge({ alert, marks }) {
    const { text } = this.how
    const last = marks.filter((one) => one.verdict !== 'missed').at(-1)?.verdict
    const buttons = /** @type {const} */ (['right', 'wrong']).map((verdict) => {
      const button = h('button', { type: 'button', class: 'press light', 'aria-pressed': String(verdict === last), 'data-verdict': verdict }, text.marks[verdict])
      button.addEventListener('click', async () => {
        const span = alert.evidence[0]
        const mark = { verdict, alert: alert.id, category: alert.category, utterance: span?.utterance ?? '', quote: clip(span?.text ?? '', 200).text, note: '' }
        if (await this.#send(mark)) for (const one of buttons) set(one, { 'aria-pressed': String(one === button) })
      })
      return button
    })
    return h('p', { class: 'judge', role: 'group', 'aria-label': alert.title.slice(0, 60) }, ...buttons)
  }

  /** @param {object} mark */
  async #send(mark) {
    try {
      await ask(this.how.server, `v1/calls/${encodeURIComponent(this.review.call)}/marks`, { method: 'POST', body: mark })
      say(this.#fault, '')
      return true
    } catch (error) {
      say(this.#fault, error instanceof Error ? error.message : String(error))
      return false
    }
  }

  #rest() {
    const { text, lang } = this.how
    const { steps, commitments, others } = this.review
    const { stepState: state, lists } = stringsFor(lang)
    const names = [...new Set(steps.map((one) => one.list))]
    const part = (/** @type {string} */ title, /** @type {HTMLElement[]} */ lines) => (lines.length ? [h('h2', {}, title), h('ul', { class: 'rest' }, ...lines)] : [])
    return [
      ...names.flatMap((name) => part(
        lists[/** @type {'flow'} */ (name)] ?? name,
        steps.filter((one) => one.list === name).map((one) => h('li', { 'data-state': one.state }, words(one.title.slice(0, 60)), h('span', { class: 'facts' }, ` ${state[one.state]}`))),
      )),
      ...part(text.promises, commitments.map((one) => h('li', {}, words(clip(one.text, 120).text), h('span', { class: 'facts' }, ` ${one.due}`)))),
      ...part(text.said.action, others.map((one) => this.#other(one))),
    ]
  }

  /** @param {import('../client/wire.js').CallEvent} one a lead's or the agent's doing, or a status */
  #other(one) {
    const { text, lang } = this.how
    if (one.type === 'status') return h('li', {}, `${clock(one.at_ms)} `, words(clip(statusLine(one, lang), 200).text))
    const said = `${'by' in one ? one.by : ''} ${'text' in one ? clip(String(one.text), 200).text : ''}`
    return h('li', {}, `${clock(one.at_ms)} ${text.said[/** @type {'hand'} */ (one.type)]} `, words(said))
  }
}

/** What the reviewer has marked with the mouse, where it lies in these words. @param {string} whole */
function chosen(whole) {
  const selected = String(getSelection() ?? '').trim()
  return selected && whole.includes(selected) ? selected.slice(0, 200) : ''
}
