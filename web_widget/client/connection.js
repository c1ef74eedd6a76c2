/**
 * One websocket that stays: connects, comes back with growing pauses, resumes where it stopped,
 * and is honest about its state. It knows messages, not calls.
 */
import { backoff } from './backoff.js'
import { NO_LAG, observe, returned } from './lag.js'
import { isCallEvent, read, unpack, WireError } from './wire.js'

const HELLO_WITHIN = 10_000 // ms from opening to the server's hello
const PING_EVERY = 5_000 // ms
const SILENT_AFTER = 12_000 // ms without any message although we pinged: the link is dead
const OUTBOX = 64 // messages that wait for the link to come back
/** Close codes after which trying again cannot help. */
const FINAL_CODES = new Set([1003, 1007, 1008])

/**
 * @typedef {'idle'|'connecting'|'open'|'waiting'|'refused'} Phase
 *   waiting: the link was lost and we try again; refused: the server said no for good.
 * @typedef {{phase: Phase, attempt: number, lost: boolean, behind: boolean, late: number,
 *   unreadable: number, message: string}} Link
 *   lost: there was a link before; unreadable: messages that broke the protocol.
 * @typedef {{address: () => string|URL|Promise<string|URL>, onmessage: (message: import('./wire.js').Message) => void,
 *   onlink: (link: Link) => void, onsettled?: () => void,
 *   Socket?: typeof WebSocket, chance?: () => number, now?: () => number}} Options
 *   address: may fail; a failure with `final` set (nobody is signed in) ends the trying;
 *   onsettled: after (re)connecting, once the server has answered a first ping: everything it
 *   had to say about the present has arrived.
 */
export class Connection {
  /** @type {WebSocket|null} */ #socket = null
  #options
  /** @type {Link} */
  #link = { phase: 'idle', attempt: 0, lost: false, behind: false, late: 0, unreadable: 0, message: '' }
  #lag = NO_LAG
  /** @type {object[]} */ #outbox = []
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #retry
  /** @type {ReturnType<typeof setInterval>|undefined} */ #pulse
  #heard = 0
  #pingId = 0
  /** @type {number|null} when, while the answer is awaited */ #pinged = null
  #retryAfter = 0
  #dials = 0
  /** The network or the page came back: do not sit out a long pause. */
  #wake = () => {
    const visible = globalThis.document?.visibilityState !== 'hidden'
    if (visible && this.#link.phase === 'waiting') this.#connect()
  }

  /** @param {Options} options */
  constructor(options) {
    this.#options = { Socket: globalThis.WebSocket, chance: Math.random, now: Date.now, ...options }
  }

  get link() {
    return this.#link
  }

  /** After calling this, call {@link close} when done: timers and listeners are running. */
  open() {
    if (this.#link.phase !== 'idle' && this.#link.phase !== 'refused') return
    globalThis.addEventListener?.('online', this.#wake)
    globalThis.document?.addEventListener('visibilitychange', this.#wake)
    this.#connect()
  }

  close() {
    globalThis.removeEventListener?.('online', this.#wake)
    globalThis.document?.removeEventListener('visibilitychange', this.#wake)
    this.#drop()
    clearTimeout(this.#retry)
    this.#set({ phase: 'idle', attempt: 0, lost: false, message: '' })
  }

  /**
   * Sends now, or once the link is back when `keep` is set. @param {object} message
   * @param {{keep?: boolean}} [how] @returns {boolean} whether it is on its way or kept
   */
  send(message, { keep = false } = {}) {
    if (this.#link.phase === 'open' && this.#socket?.readyState === 1) {
      this.#socket.send(JSON.stringify(message))
      return true
    }
    if (!keep) return false
    this.#outbox.push(message)
    if (this.#outbox.length > OUTBOX) this.#outbox.shift()
    return true
  }

  #connect() {
    clearTimeout(this.#retry)
    this.#drop()
    const dial = (this.#dials += 1)
    this.#set({ phase: 'connecting', attempt: this.#link.attempt + 1 })
    const address = this.#options.address()
    if (!(address instanceof Promise)) return this.#dial(address)
    address.then(
      (found) => dial === this.#dials && this.#dial(found),
      (error) => dial === this.#dials && this.#unaddressed(error),
    )
  }

  /** @param {Error & {final?: boolean}} error */
  #unaddressed(error) {
    if (error.final) this.#set({ phase: 'refused', message: error.message })
    else this.#lost('')
  }

  /** @param {string|URL} address */
  #dial(address) {
    const socket = new this.#options.Socket(address)
    this.#socket = socket
    this.#heard = this.#options.now()
    socket.onmessage = (event) => this.#receive(socket, event.data)
    socket.onclose = (event) => this.#closed(socket, event.code, event.reason)
    this.#pulse = setInterval(() => this.#beat(), PING_EVERY)
  }

  /** Forgets the socket without waiting for its closing handshake, which a dead link never ends. */
  #drop() {
    clearInterval(this.#pulse)
    this.#dials += 1
    const socket = this.#socket
    this.#socket = null
    if (!socket) return
    socket.onmessage = socket.onclose = null
    socket.close()
  }

  /** @param {WebSocket} socket @param {unknown} frame */
  #receive(socket, frame) {
    if (socket !== this.#socket) return
    const now = this.#options.now()
    this.#heard = now
    const values = this.#readable(() => unpack(frame)) ?? []
    for (const value of values) {
      const message = this.#readable(() => read(value))
      if (message) this.#take(message, now)
      if (socket !== this.#socket) return
    }
  }

  /** @template T @param {() => T} work @returns {T|undefined} */
  #readable(work) {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#set({ unreadable: this.#link.unreadable + 1, message: error.message })
      return undefined
    }
  }

  /** @param {import('./wire.js').Message} message @param {number} now */
  #take(message, now) {
    if (message.type === 'hello') this.#welcomed()
    else if (message.type === 'error') this.#retryAfter = (message.retry_after_s ?? 0) * 1000
    if (message.type === 'error') this.#set({ message: message.message })
    if (message.type === 'pong') this.#ponged(message.id, now)
    else if (isCallEvent(message) && message.stamps?.sent) {
      this.#measure(observe(this.#lag, message.stamps.sent * 1000, now))
    }
    this.#options.onmessage(message)
  }

  #welcomed() {
    this.#lag = NO_LAG
    this.#retryAfter = 0
    this.#set({ phase: 'open', attempt: 0, lost: true, behind: false, late: 0, message: '' })
    this.#ping()
    for (const message of this.#outbox.splice(0)) this.send(message)
  }

  #ping() {
    this.#pingId += 1
    this.#pinged = this.#options.now()
    this.send({ type: 'ping', id: this.#pingId })
  }

  /** @param {string|number|null|undefined} id @param {number} now */
  #ponged(id, now) {
    if (id !== this.#pingId || this.#pinged === null) return
    this.#measure(returned(this.#lag, now - this.#pinged))
    this.#pinged = null
    this.#options.onsettled?.()
  }

  /** @param {import('./lag.js').Lag} lag */
  #measure(lag) {
    this.#lag = lag
    if (lag.behind !== this.#link.behind) this.#set({ behind: lag.behind, late: lag.late })
  }

  #beat() {
    const quiet = this.#options.now() - this.#heard
    const limit = this.#link.phase === 'open' ? SILENT_AFTER : HELLO_WITHIN
    if (quiet > limit) this.#lost('')
    else if (this.#link.phase === 'open' && this.#pinged === null) this.#ping()
  }

  /** @param {WebSocket} socket @param {number} code @param {string} reason */
  #closed(socket, code, reason) {
    if (socket !== this.#socket) return
    if (!FINAL_CODES.has(code)) return this.#lost(reason)
    this.#drop()
    this.#set({ phase: 'refused', message: reason || this.#link.message })
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#drop()
    const wait = backoff(this.#link.attempt + 1, this.#options.chance(), this.#retryAfter)
    this.#retryAfter = 0
    this.#pinged = null
    this.#set({ phase: 'waiting', behind: false, message: reason || this.#link.message })
    this.#retry = setTimeout(() => this.#connect(), wait)
  }

  /** @param {Partial<Link>} change */
  #set(change) {
    this.#link = { ...this.#link, ...change }
    this.#options.onlink(this.#link)
  }
}
