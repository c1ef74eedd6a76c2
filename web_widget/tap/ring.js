/** PURE. The last minute of audio, in pieces, for a server that was away and asks for it again. */

export const HEADER = 12
const VERSION = 1
const ALL_PARTIES = 255

/**
 * A packet of server/PROTOCOL.md. @param {number} first sample since the call began
 * @param {Int16Array} pcm all parties interleaved
 */
export function packet(first, pcm) {
  const bytes = new Uint8Array(HEADER + pcm.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, ALL_PARTIES)
  view.setBigUint64(4, BigInt(first), true)
  for (let i = 0; i < pcm.length; i++) view.setInt16(HEADER + 2 * i, pcm[i], true)
  return bytes
}

export class Ring {
  /** @type {{first: number, pcm: Int16Array}[]} */ #pieces = []
  /** Samples of each party so far. */
  written = 0

  /** @param {number} parties @param {number} limit samples of each party that are kept */
  constructor(parties, limit) {
    this.parties = parties
    this.limit = limit
  }

  /** The first sample that is still here. */
  get oldest() {
    return this.#pieces[0]?.first ?? this.written
  }

  /** @param {Int16Array} pcm all parties interleaved */
  add(pcm) {
    this.#pieces.push({ first: this.written, pcm })
    this.written += pcm.length / this.parties
    while (this.#pieces.length > 1 && this.written - this.#pieces[1].first >= this.limit) this.#pieces.shift()
  }

  /** The piece with that sample, from that sample on; what is gone is skipped. @param {number} sample */
  from(sample) {
    const wanted = Math.max(sample, this.oldest)
    // Nearly always the last one: look from the end.
    for (let i = this.#pieces.length - 1; i >= 0; i--) {
      const { first, pcm } = this.#pieces[i]
      const end = first + pcm.length / this.parties
      if (first <= wanted && wanted < end) return { first: wanted, pcm: pcm.subarray((wanted - first) * this.parties), next: end }
    }
    return null
  }
}
