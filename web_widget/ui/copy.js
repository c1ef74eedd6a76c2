/**
 * Puts text on the clipboard. The old way stays as a fallback because desktops on a plain
 * `http://` intranet address have no `navigator.clipboard`.
 * @param {string} text @param {ShadowRoot|HTMLElement} near where a helper field may be placed
 * @returns {Promise<boolean>} whether it is there now
 */
export async function copy(text, near) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text, near)
  }
}

/** @param {string} text @param {ShadowRoot|HTMLElement} near */
function copyBySelection(text, near) {
  const field = document.createElement('textarea')
  field.value = text
  field.readOnly = true
  field.className = 'hush'
  const before = /** @type {HTMLElement|null} */ ('activeElement' in near ? near.activeElement : null)
  near.append(field)
  field.select()
  const done = document.execCommand('copy')
  field.remove()
  before?.focus({ preventScroll: true })
  return done
}
