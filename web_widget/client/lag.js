/**
 * PURE. Is what we show late? The clocks of server and browser differ by an unknown amount, so
 * the smallest distance seen so far counts as zero and only what is above it as lateness.
 * @typedef {{least: number|null, late: number, behind: boolean}} Lag  all in ms
 */

const BEHIND = 1_500 // ms late: the agent should know that words come late
const CAUGHT_UP = 500 // ms; apart from the other, so that the notice does not flicker

/** @type {Lag} */
export const NO_LAG = { least: null, late: 0, behind: false }

/**
 * @param {Lag} lag @param {number} sent the server's stamp, ms since the epoch
 * @param {number} received our clock, ms since the epoch @returns {Lag}
 */
export function observe(lag, sent, received) {
  const distance = received - sent
  const least = lag.least === null ? distance : Math.min(lag.least, distance)
  const late = distance - least
  const behind = late > (lag.behind ? CAUGHT_UP : BEHIND)
  return { least, late, behind }
}

/** A round trip that came back tells the truth at once. @param {Lag} lag @param {number} trip ms @returns {Lag} */
export function returned(lag, trip) {
  return { ...lag, late: trip, behind: trip > (lag.behind ? CAUGHT_UP : BEHIND) }
}
