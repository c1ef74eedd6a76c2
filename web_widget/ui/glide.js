/** Things that change place glide there; nothing jumps, and nothing moves for those who ask. */

const DURATION = 180 // ms
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches

/** Where the children are now. @param {Element} parent @returns {Map<Element, number>} */
export function places(parent) {
  if (still()) return new Map()
  return new Map([...parent.children].map((child) => [child, child.getBoundingClientRect().top]))
}

/** Call it after the order was changed. @param {Element} parent @param {Map<Element, number>} before */
export function glide(parent, before) {
  if (still()) return
  for (const child of parent.children) {
    const was = before.get(child)
    if (was === undefined) {
      // Legible from its first frame: only the place moves.
      child.animate([{ opacity: 0.6, transform: 'translateY(4px)' }, {}], { duration: DURATION, easing: 'ease-out' })
      continue
    }
    const by = was - child.getBoundingClientRect().top
    if (by) {
      child.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: DURATION, easing: 'ease-out' })
    }
  }
}
