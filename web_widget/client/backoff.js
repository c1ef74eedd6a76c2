const FIRST = 500 // ms
const LONGEST = 15_000 // ms

/**
 * How long to wait before attempt `attempt` (counted from 1). Half of it is chance, so that a
 * floor of desktops does not come back in one wave after a restart of the server.
 * @param {number} attempt @param {number} chance between 0 and 1 @param {number} [atLeast] ms
 */
export function backoff(attempt, chance, atLeast = 0) {
  const whole = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt - 1, 10))
  return Math.max(atLeast, Math.round(whole * (0.5 + chance / 2)))
}
