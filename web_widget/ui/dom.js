/**
 * Elements without markup: text goes in as text and never as HTML, styles through the object
 * model, so a strict Content-Security-Policy holds and hostile words stay words.
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string|number|boolean|null|undefined>} [attributes] null, undefined and false leave it out
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  set(element, attributes)
  for (const child of children) if (child) element.append(child)
  return element
}

/** @param {Element} element @param {Record<string, string|number|boolean|null|undefined>} attributes */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name)
    else {
      const text = value === true ? '' : String(value)
      // Writing what is there already still wakes observers and screen readers.
      if (element.getAttribute(name) !== text) element.setAttribute(name, text)
    }
  }
}

/** @param {Node} node @param {string} text */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** @param {HTMLElement} element @param {boolean} shown */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown
}

/**
 * Words from outside: their own direction, and no way to turn the text around them.
 * @param {string} text @param {Record<string, string>} [attributes]
 */
export const words = (text, attributes = {}) => h('bdi', { dir: 'auto', ...attributes }, text)

/**
 * Makes the children of `parent` the given nodes, in that order; one that only goes up or down
 * moves alone. @param {Element} parent @param {readonly ChildNode[]} nodes
 */
export function arrangeChildren(parent, nodes) {
  const wanted = new Set(nodes)
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove()
  let at = parent.firstChild
  for (const node of nodes) {
    // What stands here goes further down: its turn comes, the others need not move past it.
    if (node !== at && node === at?.nextSibling) at = node
    if (node === at) at = at.nextSibling
    else parent.insertBefore(node, at)
  }
}

/** A sheet made by script: allowed where `style` elements are not. @param {...string} css */
export function sheets(...css) {
  return css.map((text) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    return sheet
  })
}
