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
 * After what was just written has been painted: a frame's callbacks run before its painting, so
 * only the one after tells. Gives seconds since the epoch. @param {(at: number) => void} then
 */
export function whenPainted(then) {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => then((performance.timeOrigin + performance.now()) / 1000)),
  )
}
