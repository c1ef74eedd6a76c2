/** PURE. The audio that the server gives: WAV, 16 bit, and the outline of it that is drawn. */

/** @typedef {{rate: number, channels: Int16Array[]}} Pcm */

/**
 * @param {ArrayBuffer} buffer @returns {Pcm} Throws when it is no 16 bit PCM.
 */
export function readWav(buffer) {
  const view = new DataView(buffer)
  const tag = (/** @type {number} */ at) => (at + 4 <= view.byteLength ? String.fromCharCode(...new Uint8Array(buffer, at, 4)) : '')
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new Error('not a WAV file')
  let at = 12
  let count = 0
  let rate = 0
  while (at + 8 <= view.byteLength) {
    const size = view.getUint32(at + 4, true)
    if (tag(at) === 'fmt ') {
      if (view.getUint16(at + 8, true) !== 1 || view.getUint16(at + 22, true) !== 16) throw new Error('not 16 bit PCM')
      count = view.getUint16(at + 10, true)
      rate = view.getUint32(at + 12, true)
    }
    if (tag(at) === 'data') {
      if (!count || !rate) throw new Error('no format before the data')
      // A stream that is written as it comes may not know its length.
      return { rate, channels: split(view, at + 8, Math.min(size, view.byteLength - at - 8), count) }
    }
    at += 8 + size + (size % 2)
  }
  throw new Error('no data in the WAV file')
}

/** @param {DataView} view @param {number} start @param {number} bytes @param {number} count */
function split(view, start, bytes, count) {
  const length = Math.floor(bytes / 2 / count)
  const channels = Array.from({ length: count }, () => new Int16Array(length))
  for (let i = 0; i < length; i++) {
    for (let c = 0; c < count; c++) channels[c][i] = view.getInt16(start + 2 * (i * count + c), true)
  }
  return channels
}

/** The loudest sample of every `ms`, 0 to 1. @param {Int16Array} samples @param {number} rate @param {number} ms */
export function outline(samples, rate, ms) {
  const step = Math.max(1, Math.round((rate * ms) / 1000))
  const out = new Float32Array(Math.ceil(samples.length / step))
  for (let i = 0; i < samples.length; i++) {
    const loud = Math.abs(samples[i]) / 32768
    const at = Math.floor(i / step)
    if (loud > out[at]) out[at] = loud
  }
  return out
}
