import { say } from './dom.js'

/**
 * A button for what cannot be undone lightly: the first press asks, the second does it. Asking ends
 * when the focus goes elsewhere.
 * @param {HTMLButtonElement} button @param {string} name @param {string} question @param {() => unknown} act
 */
export function twice(button, name, question, act) {
  let sure = false
  const ask = (/** @type {boolean} */ now) => {
    sure = now
    say(button, now ? question : name)
  }
  ask(false)
  button.addEventListener('blur', () => ask(false))
  button.addEventListener('click', () => {
    ask(!sure)
    if (!sure) act()
  })
}
