/**
 * Two media streams of any softphone in the browser, sent to the server's audio socket. It comes
 * back after a lost link and sends again what the server has not got, up to a minute.
 */
import { socketUrl } from '../client/addresses.js'
import { Fault, ticketed } from '../client/api.js'
import { backoff } from '../client/backoff.js'
import { packet, Ring } from './ring.js'

const RATE = 16_000
const KEPT = 60 * RATE // samples
const BUFFERED = 256 * 1024 // bytes that may wait in the socket
const SILENT_AFTER = 8_000 // ms without any sound: something is wrong with the device
const QUIET = 0.0005 // of full scale
const END_WITHIN = 5_000 // ms for the server's last word
const FINAL = new Set([1003, 1007, 1008])

/**
 * @typedef {'idle'|'starting'|'live'|'waiting'|'ended'|'failed'} Phase
 * @typedef {{phase: Phase, code: string, message: string, levels: Record<string, number>, silent: readonly string[],
 *   sent_ms: number, unsent_ms: number, lost_ms: number}} TapState
 *   code: why it failed or waits: `no_audio_track`, `track_ended`, `no_worklet`, `suspended`, `unreachable`,
 *   or the server's own; unsent_ms: audio that waits here; lost_ms: audio that was kept too long and is gone.
 * @typedef {{call: string, agent?: string, queue?: string, tier?: string, brand?: string, attributes?: Record<string, string>}} Call
 * @typedef {{server?: string|URL, call: Call, agent: MediaStream|null, customer: MediaStream|null,
 *   onstate?: (state: TapState) => void, ticket?: (() => Promise<string>)|null}} Options
 *   ticket: as on `<tingban-assist>`, for pages of another site.
 */
export class Tap {
  #options
  /** @type {AudioContext|null} */ #context = null
  /** @type {AudioWorkletNode|null} */ #node = null
  /** @type {WebSocket|null} */ #socket = null
  #parties
  #ring
  #sent = 0
  #ready = false
  #ending = false
  #attempt = 0
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #retry
  /** @type {Record<string, number>} */ #loudAt = {}
  /** @type {TapState} */
  #state = { phase: 'idle', code: '', message: '', levels: {}, silent: [], sent_ms: 0, unsent_ms: 0, lost_ms: 0 }

  /** @param {Options} options */
  constructor(options) {
    this.#options = options
    this.#parties = /** @type {const} */ (['agent', 'customer']).filter((party) => options[party])
    this.#ring = new Ring(this.#parties.length, KEPT)
  }

  get state() {
    return this.#state
  }

  /** Begins; from a press, or the browser may keep the sound from running. */
  async start() {
    if (this.#state.phase !== 'idle') return
    this.#set({ phase: 'starting' })
    const without = this.#parties.find((party) => !this.#options[party]?.getAudioTracks().length)
    if (!this.#parties.length || without) return this.#fail('no_audio_track', without ?? '')
    try {
      await this.#listen()
    } catch (error) {
      return this.#fail('no_worklet', error instanceof Error ? error.message : String(error))
    }
    if (!this.#over_) this.#connect()
  }

  /** The call is over: what is left is sent, then the server is told. */
  stop() {
    this.#quiet()
    if (this.#state.phase === 'live' && this.#socket) {
      this.#ending = true
      this.#pump()
      setTimeout(() => this.#over('ended'), END_WITHIN)
    } else this.#over('ended')
  }

  async #listen() {
    const context = new AudioContext({ latencyHint: 'interactive' })
    this.#context = context
    await context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url))
    const parties = this.#parties.length
    const node = new AudioWorkletNode(context, 'tingban-tap', { numberOfInputs: parties, numberOfOutputs: 0, processorOptions: { parties } })
    this.#node = node
    node.port.onmessage = ({ data }) => this.#heard(data.pcm, data.levels)
    node.onprocessorerror = () => this.#fail('no_worklet', 'the audio worklet stopped')
    this.#parties.forEach((party, i) => {
      const stream = /** @type {MediaStream} */ (this.#options[party])
      context.createMediaStreamSource(stream).connect(node, 0, i)
      stream.getAudioTracks()[0].addEventListener('ended', () => this.#state.phase !== 'ended' && this.#set({ code: 'track_ended', message: party }))
    })
    context.onstatechange = () => context.state === 'suspended' && this.#set({ code: 'suspended' })
    await context.resume()
    if (context.state === 'suspended') this.#set({ code: 'suspended' })
  }

  /** @param {Int16Array} pcm @param {number[]} levels */
  #heard(pcm, levels) {
    const now = performance.now()
    this.#ring.add(pcm)
    this.#parties.forEach((party, i) => {
      if (levels[i] > QUIET || this.#loudAt[party] === undefined) this.#loudAt[party] = now
    })
    const silent = this.#parties.filter((party) => now - this.#loudAt[party] > SILENT_AFTER)
    this.#pump()
    this.#set({
      levels: Object.fromEntries(this.#parties.map((party, i) => [party, levels[i]])), silent,
      unsent_ms: Math.round(((this.#ring.written - this.#sent) * 1000) / RATE),
    })
  }

  async #connect() {
    clearTimeout(this.#retry)
    const { call, ticket } = this.#options
    const server = this.#options.server ?? new URL('../../', import.meta.url)
    let address
    try {
      address = await ticketed(server, 'audio', socketUrl(server, 'v1/audio', {}), ticket ?? null)
    } catch (fault) {
      if (fault instanceof Fault && fault.final) return this.#fail(fault.code, fault.message)
      return this.#wait('unreachable', '')
    }
    if (this.#over_) return
    const socket = new WebSocket(address)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    this.#ready = false
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', v: 1, ...call, parties: this.#parties, codec: 'pcm16', rate: RATE }))
    socket.onmessage = ({ data }) => socket === this.#socket && this.#told(data)
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return
      this.#socket = null
      this.#ready = false
      if (this.#ending) this.#over('ended')
      else if (FINAL.has(code) && this.#state.code !== 'call_taken') this.#fail(this.#state.code || String(code), this.#state.message)
      else this.#wait(this.#state.code || 'unreachable', this.#state.message)
    }
  }

  get #over_() {
    return this.#state.phase === 'ended' || this.#state.phase === 'failed'
  }

  /** @param {unknown} frame */
  #told(frame) {
    let message
    try {
      message = JSON.parse(String(frame))
    } catch {
      return
    }
    if (message.type === 'ready') {
      // What it already has is not sent again; what is gone here it will report as a gap.
      this.#sent = Math.max(Number(message.next_sample) || 0, this.#ring.oldest)
      const missing = Math.max(0, this.#ring.oldest - (Number(message.next_sample) || 0))
      this.#attempt = 0
      this.#ready = true
      this.#set({ phase: 'live', code: '', message: '', lost_ms: this.#state.lost_ms + Math.round((missing * 1000) / RATE) })
      this.#pump()
    } else if (message.type === 'error') this.#set({ code: String(message.code ?? ''), message: String(message.message ?? '') })
    else if (message.type === 'ended') this.#over('ended')
  }

  #pump() {
    const socket = this.#socket
    if (!socket || !this.#ready || socket.readyState !== 1) return
    while (socket.bufferedAmount < BUFFERED) {
      const piece = this.#ring.from(this.#sent)
      if (!piece) break
      socket.send(packet(piece.first, piece.pcm))
      this.#sent = piece.next
    }
    if (this.#ending && this.#sent >= this.#ring.written) socket.send('{"type":"end"}')
    this.#state = { ...this.#state, sent_ms: Math.round((this.#sent * 1000) / RATE) }
  }

  /** @param {string} code @param {string} message */
  #wait(code, message) {
    this.#attempt += 1
    this.#set({ phase: 'waiting', code, message })
    this.#retry = setTimeout(() => this.#connect(), backoff(this.#attempt, Math.random()))
  }

  /** @param {string} code @param {string} message */
  #fail(code, message) {
    this.#set({ code, message })
    this.#over('failed')
  }

  #quiet() {
    this.#node?.port.postMessage('stop')
    this.#node?.disconnect()
    this.#context?.close().catch(() => {})
    this.#node = this.#context = null
  }

  /** @param {Phase} phase */
  #over(phase) {
    if (this.#over_) return
    clearTimeout(this.#retry)
    this.#quiet()
    const socket = this.#socket
    this.#socket = null
    socket?.close()
    this.#set({ phase, levels: {}, silent: [] })
  }

  /** @param {Partial<TapState>} change */
  #set(change) {
    this.#state = { ...this.#state, ...change }
    this.#options.onstate?.(this.#state)
  }
}
