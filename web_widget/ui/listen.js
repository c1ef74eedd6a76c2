/** Hearing a live call: pieces of its audio, fetched as they come and played without a seam. */
import { Fault, request } from '../client/api.js'

const BEHIND = 2_000 // ms behind the newest audio: what is fetched is there in whole
const PIECE = 2_000 // ms asked for at a time
const AGAIN = 1_000 // ms until asking again

export class Listen {
  /** @type {AudioContext|null} */ #context = null
  #from = 0
  #until = 0
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer
  #options

  /**
   * @param {{server: string|URL, call: string, now: () => number, onstop: (fault: unknown) => void}} options
   *   now: audio time of the newest event in ms; onstop: it ended by a fault
   */
  constructor(options) {
    this.#options = options
  }

  get on() {
    return this.#context !== null
  }

  /** From a press only: browsers start no sound of their own. */
  start() {
    if (this.#context) return
    this.#context = new AudioContext()
    this.#from = Math.max(0, this.#options.now() - 2 * BEHIND)
    this.#until = 0
    this.#fetch()
  }

  stop() {
    clearTimeout(this.#timer)
    this.#context?.close()
    this.#context = null
  }

  async #fetch() {
    const context = this.#context
    const { server, call, now } = this.#options
    const to = Math.min(now() - BEHIND, this.#from + 2 * PIECE)
    try {
      if (to - this.#from >= PIECE / 2) {
        const answer = await request(server, `v1/calls/${call}/audio`, { query: { from_ms: Math.round(this.#from), to_ms: Math.round(to) } })
        const audio = await /** @type {AudioContext} */ (context).decodeAudioData(await answer.arrayBuffer())
        if (context !== this.#context || !context) return
        this.#play(context, audio)
        this.#from = to
      }
    } catch (fault) {
      if (context !== this.#context) return
      this.stop()
      this.#options.onstop(fault instanceof Fault ? fault : new Fault(0, 'unreadable', String(fault)))
      return
    }
    this.#timer = setTimeout(() => this.#fetch(), AGAIN)
  }

  /** @param {AudioContext} context @param {AudioBuffer} audio */
  #play(context, audio) {
    const source = new AudioBufferSourceNode(context, { buffer: audio })
    source.connect(context.destination)
    this.#until = Math.max(this.#until, context.currentTime + 0.05)
    source.start(this.#until)
    this.#until += audio.duration
  }
}
