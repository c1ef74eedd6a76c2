/** `/`: where everything is, and the demonstration recordings to replay. */
import { http } from '../client/addresses.js'
import { h } from '../ui/dom.js'
import { homeStringsFor } from './home-strings.js'
import { begin, SERVER } from './shell.js'

/**
 * @typedef {{name: string, title?: string, agent?: string, duration_ms?: number, duration_s?: number}} Recording
 */

/** @param {import('./shell.js').Session} session @param {HTMLElement} main @param {string} lang */
function draw(session, main, lang) {
  const home = homeStringsFor(lang)
  const list = h('ul', { class: 'recordings' })
  const doors = [
    ['agent', 'lead', 'admin'].includes(session.role) ? agentDoor(home, lang, session) : null,
    ['lead', 'admin'].includes(session.role) ? boardDoor(home, lang) : null,
  ]
  main.replaceChildren(
    h('header', {}, h('h1', {}, home.title), h('p', { class: 'lead' }, home.lead)),
    h('section', { class: 'doors' }, ...doors),
    h('p', { class: 'notice' }, h('b', {}, home.noticeTitle), home.notice),
    h('section', { class: 'panel' }, h('h2', {}, home.recordings), h('p', {}, home.recordingsText), list),
  )
  fill(list, home, lang)
}

/** @param {import('./home-strings.js').HomeStrings} home @param {string} lang @param {import('./shell.js').Session} session */
function agentDoor(home, lang, session) {
  const own = session.role === 'agent' ? session.user : ''
  const field = h('input', { name: 'agent', value: own || 'demo', readonly: own !== '', 'aria-label': home.agentId, required: true, maxlength: 64 })
  const form = h('form', { action: http(SERVER, 'agent').href }, field, h('button', {}, home.open))
  if (lang.startsWith('en')) form.append(h('input', { type: 'hidden', name: 'lang', value: 'en' }))
  return h('div', { class: 'panel' }, h('h2', {}, home.agent), h('p', {}, home.agentText), form)
}

/** @param {import('./home-strings.js').HomeStrings} home @param {string} lang */
function boardDoor(home, lang) {
  const link = http(SERVER, 'board')
  if (lang.startsWith('en')) link.searchParams.set('lang', 'en')
  return h(
    'div', { class: 'panel' }, h('h2', {}, home.board), h('p', {}, home.boardText),
    h('div', { class: 'go' }, h('a', { class: 'press', href: link.href }, home.open)),
  )
}

/** @param {HTMLElement} list @param {import('./home-strings.js').HomeStrings} home @param {string} lang */
async function fill(list, home, lang) {
  /** @type {Recording[]} */
  let recordings = []
  try {
    const answer = await fetch(http(SERVER, 'v1/demo/recordings'))
    const body = answer.ok ? await answer.json() : []
    recordings = (Array.isArray(body) ? body : (body.recordings ?? [])).map(asRecording)
  } catch {
    // The sentence below says what to do; a stack in the console would not.
  }
  if (recordings.length === 0) list.replaceChildren(h('li', { class: 'facts' }, home.noRecordings))
  else list.replaceChildren(...recordings.map((one) => line(one, home, lang)))
}

/** @param {any} one @returns {Recording} */
const asRecording = (one) => (typeof one === 'string' ? { name: one } : { ...one, name: String(one.name) })

/** @param {Recording} one @param {import('./home-strings.js').HomeStrings} home @param {string} lang */
function line(one, home, lang) {
  const seconds = one.duration_s ?? (one.duration_ms ?? 0) / 1000
  const facts = [one.title ? one.name : '', seconds ? `${Math.round(seconds)} s` : ''].filter(Boolean).join(' · ')
  const button = h('button', { type: 'button', class: 'light', 'aria-label': `${home.replay} ${one.title ?? one.name}` }, home.replay)
  const go = h('div', { class: 'go' }, button)
  button.addEventListener('click', () => replay(one.name, button, go, home, lang))
  return h(
    'li', {}, h('bdi', { class: 'name', dir: 'auto', lang: 'zh-CN' }, one.title ?? one.name), go,
    h('span', { class: 'facts' }, facts),
  )
}

/**
 * @param {string} recording @param {HTMLButtonElement} button @param {HTMLElement} go
 * @param {import('./home-strings.js').HomeStrings} home @param {string} lang
 */
async function replay(recording, button, go, home, lang) {
  button.disabled = true
  try {
    const answer = await fetch(http(SERVER, 'v1/demo/replays'), {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ recording }),
    })
    if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error?.message ?? `${answer.status}`)
    const { call, agent } = await answer.json()
    const link = http(SERVER, 'agent')
    if (agent) link.searchParams.set('agent', agent)
    else link.searchParams.set('call', call)
    if (lang.startsWith('en')) link.searchParams.set('lang', 'en')
    button.textContent = home.replaying
    go.querySelectorAll('a, .why').forEach((one) => one.remove())
    go.prepend(h('a', { href: link.href }, home.watch))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    button.textContent = home.replayFailed
    go.querySelector('.why')?.remove()
    go.prepend(h('span', { class: 'facts why', role: 'status' }, why))
  }
  setTimeout(() => {
    button.disabled = false
    button.textContent = home.replay
  }, 4_000)
}

const { session, lang, main } = await begin('home')
draw(session, main, lang)
