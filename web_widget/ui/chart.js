/** A line of a few values, drawn without a library. */

const SVG = 'http://www.w3.org/2000/svg'
const WIDE = 100
const HIGH = 24

/** Its numbers stand beside it as text; the line is decoration. */
export class Sparkline {
  element = document.createElementNS(SVG, 'svg')
  #line = document.createElementNS(SVG, 'polyline')
  /** @type {readonly number[]|null} */ #drawn = null

  /** @param {number} least @param {number} most of the scale */
  constructor(least, most) {
    this.least = least
    this.most = most
    this.element.setAttribute('viewBox', `0 0 ${WIDE} ${HIGH}`)
    this.element.setAttribute('preserveAspectRatio', 'none')
    this.element.setAttribute('class', 'spark')
    this.element.setAttribute('aria-hidden', 'true')
    this.#line.setAttribute('fill', 'none')
    this.#line.setAttribute('stroke', 'currentColor')
    this.#line.setAttribute('stroke-width', '1.5')
    this.#line.setAttribute('vector-effect', 'non-scaling-stroke')
    this.element.append(this.#line)
  }

  /** @param {readonly number[]} values oldest first */
  update(values) {
    if (values === this.#drawn) return
    this.#drawn = values
    const step = WIDE / Math.max(1, values.length - 1)
    const y = (/** @type {number} */ value) => {
      const part = Math.min(1, Math.max(0, (value - this.least) / (this.most - this.least)))
      return (HIGH - 2) * (1 - part) + 1
    }
    this.#line.setAttribute('points', values.map((value, i) => `${(i * step).toFixed(1)},${y(value).toFixed(1)}`).join(' '))
  }
}
