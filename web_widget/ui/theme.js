/** `auto` follows the system, live. */
export class Theme {
  #query = matchMedia('(prefers-color-scheme: dark)')
  #root
  #changed = () => this.#apply()
  wanted = 'auto'

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root
  }

  connect() {
    this.#query.addEventListener('change', this.#changed)
    this.#apply()
  }

  disconnect() {
    this.#query.removeEventListener('change', this.#changed)
  }

  /** @param {string|null} wanted auto, light or dark */
  set(wanted) {
    this.wanted = wanted ?? 'auto'
    this.#apply()
  }

  #apply() {
    const dark = this.wanted === 'dark' || (this.wanted !== 'light' && this.#query.matches)
    this.#root.dataset.theme = dark ? 'dark' : 'light'
  }
}
