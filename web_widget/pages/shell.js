/** What every page begins with: who is signed in, the way to the other pages, the language. */
import { ask, Fault } from '../client/api.js'
import { http } from '../client/addresses.js'
import { h } from '../ui/dom.js'
import { shellStringsFor } from './shell-strings.js'

export const SERVER = new URL('../../', import.meta.url)
const KEY = 'tingban-lang'

/**
 * @typedef {{user: string, name: string, role: 'agent'|'lead'|'engineer'|'admin'|'ingest', teams: string[],
 *   access: 'open'|'local'|'oidc', expires_at: number|null}} Session
 * @typedef {'agent'|'board'|'calls'|'desk'|'tap'|'admin'} PageName
 */

/** Which pages a role has, as server/access/roles.py lets them; `/` is everybody's. @type {Record<string, readonly PageName[]>} */
const PAGES = {
  agent: ['agent', 'calls'],
  lead: ['board', 'calls', 'agent'],
  engineer: ['calls', 'desk'],
  admin: ['board', 'calls', 'desk', 'agent', 'tap', 'admin'],
  ingest: [],
}

/** `zh-CN` or `en`: what the address asks for, else what was chosen last. */
export function language() {
  const wanted = new URLSearchParams(location.search).get('lang') ?? stored()
  return wanted?.startsWith('en') ? 'en' : 'zh-CN'
}

function stored() {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null // A browser that keeps nothing still shows the page.
  }
}

/** Goes there and remembers the choice. @param {string} lang */
function choose(lang) {
  try {
    localStorage.setItem(KEY, lang)
  } catch {
    // See above.
  }
  const url = new URL(location.href)
  url.searchParams.set('lang', lang === 'en' ? 'en' : 'zh')
  location.replace(url)
}

/** A page of this server, in the language of this one. @param {string} path @param {Record<string, string>} [query] */
export function pageUrl(path, query = {}) {
  const url = http(SERVER, path)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  if (language() === 'en') url.searchParams.set('lang', 'en')
  return url.href
}

/** Who is signed in; sends to the sign-in page when nobody is. @returns {Promise<Session>} */
export async function signedIn() {
  try {
    return await ask(SERVER, 'v1/session')
  } catch (error) {
    if (error instanceof Fault && error.status === 401) {
      const here = location.pathname.slice(SERVER.pathname.length) + location.search
      location.replace(pageUrl('login', { next: here }))
      return new Promise(() => {}) // The page is being left.
    }
    throw error
  }
}

/** The bar with the ways to everything this role may see. @param {Session} session @param {string} here */
export function navigation(session, here) {
  const lang = language()
  const { nav } = shellStringsFor(lang)
  const links = (PAGES[session.role] ?? []).map((name) =>
    h('a', { href: pageUrl(name), 'aria-current': name === here ? 'page' : null }, nav[name]),
  )
  return h(
    'nav', { class: 'site', 'aria-label': nav.label },
    h('a', { class: 'brand', href: pageUrl(''), 'aria-current': here === 'home' ? 'page' : null }, nav.brand),
    h('span', { class: 'ways' }, ...links),
    h('span', { class: 'self' }, ...person(session, nav), languages(lang, nav)),
  )
}

/** @param {Session} session @param {import('./shell-strings.js').ShellStrings['nav']} nav */
function person(session, nav) {
  // Everybody is the same while access is open: there is nobody to name and nothing to leave.
  if (session.access === 'open') return []
  const out = h('button', { type: 'button', class: 'plain' }, nav.out)
  out.addEventListener('click', async () => {
    await ask(SERVER, 'v1/session', { method: 'DELETE' }).catch(() => null)
    location.assign(pageUrl('login'))
  })
  return [h('bdi', { class: 'name', dir: 'auto' }, session.name || session.user), out]
}

/** @param {string} lang @param {import('./shell-strings.js').ShellStrings['nav']} nav */
export function languages(lang, nav) {
  const other = lang === 'en' ? 'zh-CN' : 'en'
  const button = h('button', { type: 'button', class: 'plain', lang: other }, nav.other)
  button.addEventListener('click', () => choose(other))
  return button
}

/**
 * Begins a page: signs in, draws the bar above `main`, or says why it cannot.
 * @param {string} here @returns {Promise<{session: Session, lang: string, main: HTMLElement}>}
 */
export async function begin(here) {
  const lang = language()
  const main = /** @type {HTMLElement} */ (document.querySelector('main'))
  document.documentElement.lang = lang
  try {
    const session = await signedIn()
    main.before(navigation(session, here))
    return { session, lang, main }
  } catch (error) {
    main.append(h('p', { class: 'fault', role: 'alert' }, told(error, lang)))
    return new Promise(() => {})
  }
}

/** What went wrong, for people. @param {unknown} error @param {string} lang */
export function told(error, lang) {
  const { faults } = shellStringsFor(lang)
  if (!(error instanceof Fault)) return `${faults.other}${error instanceof Error ? error.message : ''}`
  const known = /** @type {Record<string, string>} */ (faults)[error.code]
  return known ?? `${faults.other}${error.message}`
}
