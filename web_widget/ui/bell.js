/** Sound and desktop notification for a lead who looks elsewhere; both are off until asked for. */

const QUIET_FOR = 3_000 // ms after a sound: ten alerts at once are one ring

/** @param {string} name @param {boolean} [value] */
function kept(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, String(value))
    return localStorage.getItem(name) === 'true'
  } catch {
    return value === true
  }
}

export class Bell {
  /** @type {AudioContext|null} */ #context = null
  #rang = -QUIET_FOR
  sound = kept('tingban-sound')
  notify = kept('tingban-notify') && globalThis.Notification?.permission === 'granted'

  /** From a press only. @param {boolean} on */
  setSound(on) {
    this.sound = kept('tingban-sound', on)
    if (on) this.#ring()
  }

  /** @param {boolean} on @returns {Promise<boolean>} whether it is on now */
  async setNotify(on) {
    const may = on && 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted'
    this.notify = kept('tingban-notify', may)
    return this.notify
  }

  /** @param {string} title @param {string} body @param {string} tag the same again replaces */
  alert(title, body, tag) {
    if (this.sound) this.#ring()
    if (this.notify && document.hidden) new Notification(title, { body, tag, silent: this.sound })
  }

  #ring() {
    if (performance.now() - this.#rang < QUIET_FOR) return
    this.#rang = performance.now()
    this.#context ??= new AudioContext()
    const context = this.#context
    const gain = new GainNode(context, { gain: 0 })
    gain.connect(context.destination)
    const at = context.currentTime
    gain.gain.linearRampToValueAtTime(0.12, at + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.6)
    const tone = new OscillatorNode(context, { frequency: 660 })
    tone.connect(gain)
    tone.start(at)
    tone.stop(at + 0.65)
  }
}
