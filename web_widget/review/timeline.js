/** The call from left to right: two outlines of the sound, who spoke, what fired, where nobody spoke. */
import { Fault, request } from '../client/api.js'
import { clock } from '../client/text.js'
import { outline, readWav } from '../client/wav.js'
import { h, set } from '../ui/dom.js'

const BUCKET = 50 // ms of sound in one column at most
const PIECE = 60_000 // ms fetched at a time
const HIGH = 150 // CSS px
const LANES = { agent: 8, customer: 58 }
const LANE = 44

export class Timeline {
  #canvas = h('canvas', { height: HIGH })
  #hand = h('div', { class: 'hand-line' })
  /** @type {Record<'agent'|'customer', Float32Array>} */ #waves
  #columns
  #bar

  /**
   * @param {import('../client/review-state.js').Review} review
   * @param {import('./strings.js').ReviewStrings['review']} words @param {(ms: number) => void} seek
   */
  constructor(review, words, seek) {
    this.review = review
    this.words = words
    this.#columns = Math.max(1, Math.ceil(review.duration_ms / BUCKET))
    this.#waves = { agent: new Float32Array(this.#columns), customer: new Float32Array(this.#columns) }
    this.#bar = h('input', { type: 'range', min: 0, max: Math.round(review.duration_ms), step: 100, value: 0, 'aria-label': words.position })
    this.#bar.addEventListener('input', () => seek(Number(this.#bar.value)))
    const box = h('div', { class: 'timeline-box' }, this.#canvas, this.#hand)
    box.addEventListener('click', (event) => {
      const { left, width } = box.getBoundingClientRect()
      seek(((event.clientX - left) / width) * review.duration_ms)
    })
    this.element = h('section', { class: 'timeline', 'aria-label': words.timeline }, box, this.#bar)
    new ResizeObserver(() => this.draw()).observe(box)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw())
  }

  /** Fetches the sound piece by piece; only its outline is kept. @param {URL} server @returns {Promise<boolean>} whether there is sound */
  async load(server) {
    const { call, duration_ms } = this.review
    try {
      for (let from = 0; from < duration_ms; from += PIECE) {
        const query = { from_ms: Math.round(from), to_ms: Math.round(Math.min(from + PIECE, duration_ms)) }
        const answer = await request(server, `v1/calls/${encodeURIComponent(call)}/audio`, { query })
        const { rate, channels } = readWav(await answer.arrayBuffer())
        this.#take(channels, rate, from)
        this.draw()
      }
      return true
    } catch (fault) {
      if (fault instanceof Fault) return false
      throw fault
    }
  }

  /** @param {Int16Array[]} channels @param {number} rate @param {number} from ms */
  #take(channels, rate, from) {
    const parties = /** @type {const} */ (['agent', 'customer'])
    channels.slice(0, 2).forEach((samples, i) => {
      const part = outline(samples, rate, BUCKET)
      const at = Math.floor(from / BUCKET)
      this.#waves[parties[i]].set(part.subarray(0, Math.max(0, this.#columns - at)), at)
    })
  }

  /** @param {number} ms */
  move(ms) {
    const part = Math.min(1, ms / this.review.duration_ms)
    this.#hand.style.insetInlineStart = `${100 * part}%`
    this.#bar.value = String(Math.round(ms))
    set(this.#bar, { 'aria-valuetext': clock(ms) })
  }

  draw() {
    const width = this.#canvas.clientWidth
    const context = this.#canvas.getContext('2d')
    if (!width || !context) return
    const scale = globalThis.devicePixelRatio || 1
    this.#canvas.width = width * scale
    this.#canvas.height = HIGH * scale
    context.scale(scale, scale)
    const style = getComputedStyle(this.element)
    const tone = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
    const x = (/** @type {number} */ ms) => (ms / this.review.duration_ms) * width
    const bar = (/** @type {string} */ colour, /** @type {{start_ms: number, end_ms: number}} */ { start_ms, end_ms }, /** @type {number} */ y, /** @type {number} */ high) => {
      context.fillStyle = colour
      context.fillRect(x(start_ms), y, Math.max(1.5, x(end_ms) - x(start_ms)), high)
    }
    for (const one of this.review.silences) bar(tone('--sunk'), one, 0, HIGH)
    for (const one of this.review.utterances) bar(tone('--line'), one, one.party === 'customer' ? LANES.customer : LANES.agent, LANE)
    for (const one of this.review.interruptions) bar(tone('--warn'), one, LANES.customer - 5, 4)
    for (const party of /** @type {const} */ (['agent', 'customer'])) this.#wave(context, party, tone(`--${party}`), width)
    for (const { alert, retracted } of this.review.cues) {
      context.fillStyle = retracted ? tone('--ink-3') : tone(`--${alert.severity}`) || tone('--warn')
      context.beginPath()
      context.arc(x(alert.evidence[0]?.start_ms ?? alert.at_ms), 120, 5, 0, 7)
      context.fill()
    }
    context.fillStyle = tone('--ink-3')
    context.font = '12px system-ui'
    for (let i = 0; i <= 4; i++) {
      const label = clock((this.review.duration_ms * i) / 4)
      context.textAlign = i === 0 ? 'left' : i === 4 ? 'right' : 'center'
      context.fillText(label, (width * i) / 4, HIGH - 4)
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {'agent'|'customer'} party @param {string} colour @param {number} width */
  #wave(context, party, colour, width) {
    const wave = this.#waves[party]
    const middle = LANES[party] + LANE / 2
    context.fillStyle = colour
    for (let px = 0; px < width; px++) {
      const from = Math.floor((px / width) * this.#columns)
      const to = Math.max(from + 1, Math.floor(((px + 1) / width) * this.#columns))
      let loud = 0
      for (let i = from; i < to; i++) if (wave[i] > loud) loud = wave[i]
      if (loud > 0.003) context.fillRect(px, middle - (loud * LANE) / 2, 1, Math.max(1, loud * LANE))
    }
  }
}
