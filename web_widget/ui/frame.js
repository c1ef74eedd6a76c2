/** Work that belongs to a frame: many changes, one drawing. */

export class Frame {
  #draw
  #asked = 0

  /** @param {() => void} draw */
  constructor(draw) {
    this.#draw = draw
  }

  /** Draws once, with the next frame. */
  ask() {
    this.#asked ||= requestAnimationFrame(() => {
      this.#asked = 0
      this.#draw()
    })
  }

  cancel() {
    cancelAnimationFrame(this.#asked)
    this.#asked = 0
  }
}

/**
 * Call it while drawing in a frame. Callbacks of a frame run before its painting, so the callback
 * of the next frame is the first moment after. Gives seconds since the epoch.
 * @param {(at: number) => void} then
 */
export function whenPainted(then) {
  requestAnimationFrame(() => then((performance.timeOrigin + performance.now()) / 1000))
}
