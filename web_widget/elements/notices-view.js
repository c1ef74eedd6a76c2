import { arrangeChildren, h, say, set, show } from '../ui/dom.js'
import { icon } from '../ui/icons.js'

/**
 * @typedef {{id: string, kind: 'plain'|'trouble'|'danger', text: string, press?: () => void}} Notice
 */

const GAP_SHOWN = 10_000 // ms of audio
const NOT_SPEECH_SHOWN = 4_000 // ms of audio

/** What the reader must know before trusting the rest: one line each, only while it is true. */
export class NoticesView {
  element = h('div', { class: 'notices', part: 'notices' })
  /** @type {Map<string, {line: HTMLElement, text: HTMLElement, notice: Notice}>} */ #lines = new Map()

  /** @param {readonly Notice[]} notices */
  update(notices) {
    const lines = new Map()
    for (const notice of notices) {
      const known = this.#lines.get(notice.id) ?? this.#line(notice)
      known.notice = notice
      set(known.line, { 'data-kind': notice.kind })
      say(known.text, notice.text)
      lines.set(notice.id, known)
    }
    this.#lines = lines
    arrangeChildren(this.element, [...lines.values()].map(({ line }) => line))
    show(this.element, notices.length > 0)
  }

  /** @param {Notice} notice */
  #line(notice) {
    const text = notice.press ? h('button', { type: 'button' }) : h('span')
    const name = notice.kind === 'danger' ? 'critical' : notice.kind === 'trouble' ? 'high' : 'info'
    const line = h('p', { class: 'notice', part: `notice ${notice.id}`, 'data-notice': notice.id }, icon(name), text)
    const known = { line, text, notice }
    text.addEventListener('click', () => known.notice.press?.())
    return known
  }
}

/**
 * PURE. What is true now and must be said.
 * @param {import('../ui/strings.js').Strings} strings
 * @param {import('../client/agent-state.js').AgentState} state
 * @param {import('../client/call-state.js').CallState|undefined} call
 * @param {import('../client/connection.js').Link} link
 * @param {((call: string) => void)|null} [claim] takes a call that has no agent
 * @returns {Notice[]}
 */
export function notices(strings, state, call, link, claim = null) {
  /** @type {Notice[]} */
  const out = []
  const trouble = (/** @type {string} */ id, /** @type {string} */ text) => out.push({ id, kind: 'trouble', text })
  if (link.phase === 'waiting' || (link.phase === 'connecting' && link.lost)) trouble('link', strings.link.waiting)
  if (link.phase === 'refused') trouble('link', `${strings.link.refused}${link.message ? `：${link.message}` : ''}`)
  if (link.behind) trouble('behind', strings.behind(Math.max(1, Math.round(link.late / 1000))))
  if (link.unreadable) trouble('unreadable', strings.unreadable(link.unreadable))
  const recogniser = call?.recogniser ?? state.hello?.recogniser
  if (recogniser?.degraded) trouble('degraded', strings.degraded)
  for (const party of call?.failed ?? []) {
    trouble(`failed-${party}`, strings.failed(strings.party[/** @type {'agent'} */ (party)] ?? party))
  }
  if (call?.live && call.lost) trouble('durability', strings.lost)
  if (call?.live && claim && !call.info.agent) {
    out.push({ id: 'claim', kind: 'plain', text: `${strings.claim} · ${strings.claimIt}`, press: () => claim(call.call) })
  }
  if (state.released) out.push({ id: 'released', kind: 'plain', text: strings.released(state.released.call) })
  if (call?.live && call.not_speech && call.at_ms - call.not_speech.end_ms < NOT_SPEECH_SHOWN) {
    const { party, kind } = call.not_speech
    const what = strings.notSpeech[/** @type {'music'} */ (kind)]
    if (what) out.push({ id: 'not_speech', kind: 'plain', text: `${strings.party[/** @type {'agent'} */ (party)] ?? ''} ${what}`.trim() })
  }
  // Soon after it happened it explains a missing word; later it would only be in the way.
  if (call?.live && call.gaps && call.at_ms - call.gap_ms < GAP_SHOWN) out.push({ id: 'gaps', kind: 'plain', text: strings.gap(call.gaps) })
  if (recogniser?.demonstration || state.hello?.recogniser.demonstration) {
    out.push({ id: 'demonstration', kind: 'plain', text: strings.demonstration })
  }
  return out
}
