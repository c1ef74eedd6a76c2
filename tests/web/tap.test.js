import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Resampler, toPcm16 } from '../../web_widget/tap/resample.js'
import { HEADER, packet, Ring } from '../../web_widget/tap/ring.js'
import { dice } from './fixtures.js'

const tone = (rate, hertz, seconds) => Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate))

/** In blocks of a worklet. */
function resampled(input, rate, block = () => 128) {
  const resampler = new Resampler(rate)
  const out = []
  for (let at = 0; at < input.length; ) {
    const size = block()
    out.push(...resampler.push(input.subarray(at, at + size)))
    at += size
  }
  return Float32Array.from(out)
}

/** How much of a tone is in there, and how much of all else. */
function fit(samples, rate, hertz) {
  // Whole periods, or the measure itself leaks.
  const part = samples.subarray(400, 400 + 400 * Math.floor((samples.length - 800) / 400))
  let [a, b, all] = [0, 0, 0]
  part.forEach((one, i) => {
    a += one * Math.sin((2 * Math.PI * hertz * i) / rate)
    b += one * Math.cos((2 * Math.PI * hertz * i) / rate)
    all += one * one
  })
  const amplitude = (2 * Math.hypot(a, b)) / part.length
  return { amplitude, rest: Math.sqrt(Math.max(0, all / part.length - amplitude ** 2 / 2)) }
}

for (const rate of [8_000, 16_000, 22_050, 44_100, 48_000, 96_000]) {
  test(`a tone from ${rate} Hz keeps its pitch and loudness`, () => {
    const hertz = rate === 8_000 ? 440 : 1_000
    const out = resampled(tone(rate, hertz, 1), rate)
    assert.ok(Math.abs(out.length - 16_000) < 200, `${out.length} samples`)
    const { amplitude, rest } = fit(out, 16_000, hertz)
    assert.ok(Math.abs(amplitude - 0.5) < 0.01, `amplitude ${amplitude}`)
    assert.ok(rest < 0.004, `noise ${rest}`)
  })
}

test('what lies above half of 16 kHz does not come back as something else', () => {
  for (const rate of [44_100, 48_000]) {
    const out = resampled(tone(rate, 12_000, 0.5), rate)
    assert.ok(Math.max(...out.subarray(400, 7_000).map(Math.abs)) < 0.01)
  }
})

test('the size of the blocks changes nothing', () => {
  for (const rate of [44_100, 48_000]) {
    const whole = resampled(tone(rate, 500, 0.3), rate, () => 1e9)
    for (let seed = 1; seed <= 5; seed++) {
      const chance = dice(seed)
      const parts = resampled(tone(rate, 500, 0.3), rate, () => 1 + Math.floor(chance() * 400))
      assert.ok(Math.abs(parts.length - whole.length) <= 1)
      parts.forEach((one, i) => i < whole.length && assert.ok(Math.abs(one - whole[i]) < 1e-5))
    }
  }
})

test('too loud is clipped, not wrapped', () => {
  assert.deepEqual([...toPcm16(Float32Array.of(2, -2, 0, 1))], [32_767, -32_767, 0, 32_767])
})

test('a packet is what the protocol says', () => {
  const bytes = packet(2 ** 40 + 5, Int16Array.of(1, -2))
  assert.deepEqual([...bytes], [1, 255, 0, 0, 5, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0xfe, 0xff])
  assert.equal(HEADER, 12)
})

test('whatever the server asks for comes back without hole or overlap, as long as it is kept', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const chance = dice(seed)
    const ring = new Ring(2, 5_000)
    let total = 0
    for (let n = 0; n < 40; n++) {
      const size = 1 + Math.floor(chance() * 400)
      ring.add(Int16Array.from({ length: 2 * size }, (_, i) => (total + (i >> 1)) % 30_000))
      total += size
    }
    assert.equal(ring.written, total)
    assert.ok(total - ring.oldest >= Math.min(total, 5_000), 'at least what was promised')
    assert.ok(total - ring.oldest < 5_800, 'and not much more')
    const from = Math.floor(chance() * total)
    let next = Math.max(from, ring.oldest)
    for (let piece = ring.from(from); piece; piece = ring.from(next)) {
      assert.equal(piece.first, next)
      assert.equal(piece.pcm[0], next % 30_000)
      next = piece.next
    }
    assert.equal(next, total)
  }
})
