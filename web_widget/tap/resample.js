/**
 * PURE. Any sample rate to 16 kHz: a windowed-sinc low pass evaluated where the output samples
 * fall. Used inside the audio worklet, so nothing is allocated but the output.
 */

const ZERO_CROSSINGS = 16 // of the sinc on each side
const PASS = 0.9 // of the lower Nyquist frequency
const MOST_PHASES = 512

/** @param {number} a @param {number} b @returns {number} */
const gcd = (a, b) => (b ? gcd(b, a % b) : a)

export class Resampler {
  #step
  #phases
  #half
  /** @type {Float32Array[]} */ #taps = []
  #kept
  /** Input position of the next output sample, relative to the kept samples. */
  #at

  /** @param {number} from Hz @param {number} [to] Hz */
  constructor(from, to = 16_000) {
    if (!(from >= 3_000 && from <= 768_000)) throw new RangeError(`a sample rate of ${from} Hz`)
    this.#step = from / to
    // Positions repeat after this many outputs; odd rates are rounded to a fine grid.
    this.#phases = Math.min(MOST_PHASES, to / gcd(Math.round(from), to))
    const cut = PASS * Math.min(1, to / from)
    this.#half = Math.ceil(ZERO_CROSSINGS / cut)
    for (let phase = 0; phase < this.#phases; phase++) this.#taps.push(taps(phase / this.#phases, this.#half, cut))
    this.#kept = new Float32Array(this.#half)
    this.#at = this.#half
  }

  /** @param {Float32Array} input @returns {Float32Array} what can be said so far; the rest comes later */
  push(input) {
    const all = new Float32Array(this.#kept.length + input.length)
    all.set(this.#kept)
    all.set(input, this.#kept.length)
    const last = all.length - this.#half - 1
    const count = Math.max(0, Math.floor((last - this.#at) / this.#step) + 1)
    const out = new Float32Array(count)
    for (let n = 0; n < count; n++) {
      const position = this.#at + n * this.#step
      let whole = Math.floor(position + 1e-9)
      let phase = Math.round((position - whole) * this.#phases)
      if (phase === this.#phases) [phase, whole] = [0, whole + 1]
      const row = this.#taps[Math.max(0, phase)]
      let sum = 0
      for (let i = 0; i < row.length; i++) sum += row[i] * (all[whole - this.#half + 1 + i] ?? 0)
      out[n] = sum
    }
    this.#at += count * this.#step
    const drop = Math.max(0, Math.floor(this.#at) - this.#half)
    this.#kept = all.slice(drop)
    this.#at -= drop
    return out
  }
}

/** Weights of the input samples around a position. @param {number} fraction @param {number} half @param {number} cut of Nyquist */
function taps(fraction, half, cut) {
  const row = new Float32Array(2 * half)
  let sum = 0
  for (let i = 0; i < row.length; i++) {
    const t = i - half + 1 - fraction
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * t * cut) / (Math.PI * t * cut)
    const window = Math.abs(t) >= half ? 0 : 0.5 + 0.5 * Math.cos((Math.PI * t) / half)
    row[i] = sinc * window
    sum += row[i]
  }
  return row.map((one) => one / sum)
}

/** @param {Float32Array} samples −1 to 1 @returns {Int16Array} */
export const toPcm16 = (samples) => Int16Array.from(samples, (one) => Math.round(32_767 * Math.max(-1, Math.min(1, one))))
