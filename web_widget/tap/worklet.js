/**
 * The audio worklet: one input a party, 16 kHz PCM16 out, all parties interleaved, 100 ms a
 * message. Both parties run on the one clock of the audio context, so they never drift apart.
 */
import { Resampler, toPcm16 } from './resample.js'

const RATE = 16_000
const PIECE = RATE / 10

class TapProcessor extends AudioWorkletProcessor {
  /** @param {{processorOptions: {parties: number}}} options */
  constructor(options) {
    super()
    const parties = options.processorOptions.parties
    this.resamplers = Array.from({ length: parties }, () => new Resampler(sampleRate, RATE))
    this.pieces = Array.from({ length: parties }, () => new Float32Array(2 * PIECE))
    this.filled = 0
    this.on = true
    this.port.onmessage = () => (this.on = false)
  }

  /** @param {Float32Array[][]} inputs @returns {boolean} */
  process(inputs) {
    // A party whose stream says nothing is silent, and time goes on.
    const parts = this.resamplers.map((one, i) => one.push(mono(inputs[i])))
    const fresh = parts[0].length
    parts.forEach((part, i) => this.pieces[i].set(part, this.filled))
    this.filled += fresh
    if (this.filled >= PIECE) this.#send()
    return this.on
  }

  #send() {
    const parties = this.pieces.length
    const pcm = new Int16Array(PIECE * parties)
    const levels = this.pieces.map((piece) => piece.subarray(0, PIECE).reduce((loud, one) => Math.max(loud, Math.abs(one)), 0))
    this.pieces.forEach((piece, c) => toPcm16(piece.subarray(0, PIECE)).forEach((one, i) => (pcm[i * parties + c] = one)))
    for (const piece of this.pieces) piece.copyWithin(0, PIECE, this.filled)
    this.filled -= PIECE
    this.port.postMessage({ pcm, levels }, [pcm.buffer])
  }
}

const SILENCE = new Float32Array(128)

/** @param {Float32Array[]|undefined} channels */
function mono(channels) {
  if (!channels?.length) return SILENCE
  if (channels.length === 1) return channels[0]
  return channels[0].map((_, i) => channels.reduce((sum, one) => sum + one[i], 0) / channels.length)
}

registerProcessor('tingban-tap', TapProcessor)
