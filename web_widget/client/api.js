/** The REST side of the wire: JSON in, JSON out, and faults that say what is wrong. */
import { http } from './addresses.js'

/** What the server refused. `code` is for programs, `message` for people. */
export class Fault extends Error {
  /** @param {number} status 0: the server was not reached @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
    /** Trying again cannot help. */
    this.final = status === 401 || status === 403
  }
}

/**
 * @param {string|URL} server @param {string} path below it, such as `v1/session`
 * @param {{method?: string, body?: unknown, query?: Record<string, string|number|undefined|null>}} [how]
 * @returns {Promise<Response>} Throws {@link Fault}.
 */
export async function request(server, path, { method = 'GET', body, query = {} } = {}) {
  const url = http(server, path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, String(value))
  }
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  let answer
  try {
    answer = await fetch(url, { method, credentials: 'same-origin', ...sent })
  } catch {
    throw new Fault(0, 'unreachable', 'the server cannot be reached')
  }
  if (answer.ok) return answer
  const { error, detail } = (await answer.json().catch(() => ({}))) ?? {}
  throw new Fault(answer.status, String(error?.code ?? 'failed'), String(error?.message ?? detail ?? answer.status))
}

/** @param {string|URL} server @param {string} path @param {Parameters<typeof request>[2]} [how] @returns {Promise<any>} */
export async function ask(server, path, how) {
  const answer = await request(server, path, how)
  return answer.status === 204 ? null : answer.json()
}

/**
 * A socket's address with a ticket that opens it once. A page of another site has no session
 * here: it gives its own `ticket`, fetched by its own server, or none.
 * @param {string|URL} server @param {'agent'|'board'|'audio'} purpose @param {URL} address
 * @param {(() => Promise<string>)|null} [ticket] @returns {Promise<URL>} Throws {@link Fault}.
 */
export async function ticketed(server, purpose, address, ticket = null) {
  const own = http(server, '').origin === globalThis.location?.origin
  if (!ticket && !own) return address
  const given = ticket ? await ticket() : (await ask(server, 'v1/tickets', { method: 'POST', body: { for: purpose } })).ticket
  address.searchParams.set('ticket', given)
  return address
}
