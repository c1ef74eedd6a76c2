/** Plays any stretch of a call: pieces of it from the server, one after the other. */
import { http } from '../client/addresses.js'

const PIECE = 60_000 // ms

export class Player {
  #audio = new Audio()
  #begin = 0
  #until = 0
  #options
  #asked = false

  /** @param {{server: URL, call: string, duration_ms: number, moved: (ms: number, playing: boolean) => void, failed: () => void}} options */
  constructor(options) {
    this.#options = options
    const audio = this.#audio
    audio.preload = 'none'
    audio.addEventListener('timeupdate', () => this.#tell())
    audio.addEventListener('pause', () => this.#tell())
    audio.addEventListener('play', () => this.#tell())
    audio.addEventListener('ended', () => this.#ended())
    audio.addEventListener('error', () => this.#asked && options.failed())
  }

  get playing() {
    return !this.#audio.paused
  }

  /** Audio time in ms. */
  get at() {
    return this.#begin + 1000 * this.#audio.currentTime
  }

  /** @param {number} from ms @param {number} [until] ms */
  play(from, until = this.#options.duration_ms) {
    this.#until = Math.min(until, this.#options.duration_ms)
    this.#begin = Math.max(0, Math.min(from, this.#until - 100))
    const url = http(this.#options.server, `v1/calls/${this.#options.call}/audio`)
    url.searchParams.set('from_ms', String(Math.round(this.#begin)))
    url.searchParams.set('to_ms', String(Math.round(Math.min(this.#begin + PIECE, this.#until))))
    this.#asked = true
    this.#audio.src = url.href
    this.#audio.play().catch(() => {}) // Its error event has told already.
  }

  pause() {
    this.#audio.pause()
  }

  #ended() {
    const next = this.#begin + PIECE
    if (next < this.#until) this.play(next, this.#until)
    else this.#tell()
  }

  #tell() {
    this.#options.moved(this.at, this.playing)
  }
}
