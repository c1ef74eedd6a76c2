/** The whole panel as one view: state in, presses out. */
import { candidates } from '../client/cards.js'
import { h, show } from '../ui/dom.js'
import { Announcer } from './announcer.js'
import { CardsView } from './cards-view.js'
import { ChecklistView } from './checklist-view.js'
import { GaugesView } from './gauges-view.js'
import { Keys } from './keys.js'
import { notices, NoticesView } from './notices-view.js'
import { SummaryView } from './summary-view.js'
import { TopView } from './top-view.js'
import { TranscriptView } from './transcript-view.js'
import { UnboundView } from './unbound-view.js'
import { WhisperView } from './whisper-view.js'

/**
 * @typedef {{observe: boolean, act: (action: import('./card-view.js').Action, card: import('../client/cards.js').Card) => void,
 *   select: (call: string) => void, redraw: () => void, raise: () => void, claim: (call: string) => void,
 *   read: (whisper: import('../client/wire.js').Whisper) => void}} How
 */
export class AssistView {
  #top
  #notices = new NoticesView()
  #cards
  #gauges
  #checklist
  #whisper
  #unbound
  #summary
  #transcript
  #announcer

  /** @param {import('../ui/strings.js').Strings} strings @param {How} how */
  constructor(strings, how) {
    this.strings = strings
    this.how = how
    this.#top = new TopView(strings, how.select, how.observe ? null : how.raise)
    this.#cards = new CardsView(strings, { act: how.act, released: how.redraw, observe: how.observe })
    this.#gauges = new GaugesView(strings)
    this.#checklist = new ChecklistView(strings)
    this.#whisper = new WhisperView(strings, how.read, how.observe)
    this.#unbound = new UnboundView(strings, how.claim)
    this.#summary = new SummaryView(strings)
    this.#transcript = new TranscriptView(strings)
    this.#announcer = new Announcer(strings)
    this.keys = new Keys(
      this.#cards,
      how.observe ? () => {} : how.act,
      how.observe ? {} : { h: how.raise, k: () => this.#whisper.whisper && how.read(this.#whisper.whisper), t: () => this.#unbound.first() },
    )
    this.#cards.element.prepend(this.#summary.element)
    this.element = h(
      'div', { class: how.observe ? 'frame observe' : 'frame' },
      this.#top.element, h('div', { class: 'lines' }, this.#notices.element, how.observe ? null : this.#unbound.element), this.#whisper.element, this.#cards.element,
      h('div', { class: 'middle' }, this.#checklist.element, this.#gauges.element), this.#transcript.element, this.#announcer.element,
    )
  }

  disconnect() {
    this.#transcript.resized.disconnect()
  }

  /**
   * @param {import('../client/agent-state.js').AgentState} state
   * @param {import('../client/call-state.js').CallState|undefined} call on show
   * @param {readonly import('../client/cards.js').Card[]} ranked its cards
   * @param {import('../client/connection.js').Link|undefined} link
   */
  update(state, call, ranked, link = IDLE) {
    const { strings } = this
    this.#top.update(state, call, link)
    this.#notices.update([...this.#elsewhere(state, call), ...notices(strings, state, call, link, this.how.observe ? null : this.how.claim)])
    this.#cards.quiet = call ? strings.listening : `${strings.idleTitle} · ${strings.idleText}`
    show(this.#summary.element, call?.live === false)
    if (call?.live === false) this.#summary.update(call, state.answers)
    this.#gauges.update(call?.metrics ?? {})
    this.#checklist.update(call)
    this.#whisper.update(call, state.read)
    this.#unbound.update(state)
    if (!this.how.observe && this.#whisper.whisper) this.#announcer.whisper(this.#whisper.whisper)
    this.#transcript.update(call)
    // Last, because cards that glide ask where they stand: then the layout is made once.
    this.#cards.update(ranked, call?.live ?? true, ({ call: of, id }) => `${of} ${id}` in state.answers)
    this.keys.drawn()
    if (!this.how.observe) this.#announcer.update(this.#cards.cards)
  }

  /** Danger on a call that is not on show. @param {import('../client/agent-state.js').AgentState} state @param {import('../client/call-state.js').CallState|undefined} call @returns {import('./notices-view.js').Notice[]} */
  #elsewhere(state, call) {
    const other = state.calls.find(
      (one) => one !== call && candidates(one, state.answers)[0]?.severity === 'critical',
    )
    if (!other) return []
    const text = `${this.strings.severity.critical}：${this.strings.otherCall(other.info.queue ?? other.call)}`
    return [{ id: 'elsewhere', kind: 'danger', text, press: () => this.how.select(other.call) }]
  }

  /** The cards on screen. */
  get cards() {
    return this.#cards.cards
  }

  /** The whisper on screen. */
  get whisper() {
    return this.#whisper.whisper
  }

  /** @param {string} id */
  copied(id) {
    this.#cards.view(id)?.copied()
  }
}

/** @type {import('../client/connection.js').Link} */
const IDLE = { phase: 'idle', attempt: 0, lost: false, behind: false, late: 0, unreadable: 0, message: '' }
