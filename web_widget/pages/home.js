/** `/`: where everything is, and the demonstration recordings to replay. */
import { http } from '../client/addresses.js'
import { h } from '../ui/dom.js'
import { stringsFor } from '../ui/strings.js'

const SERVER = new URL('../../', import.meta.url)
const main = /** @type {HTMLElement} */ (document.querySelector('main'))

/**
 * @typedef {{name: string, title?: string, agent?: string, duration_ms?: number, duration_s?: number}} Recording
 */

/** @param {string} lang */
function draw(lang) {
  const strings = stringsFor(lang)
  const { home } = strings
  document.documentElement.lang = strings.lang
  const list = h('ul', { class: 'recordings' })
  main.replaceChildren(
    h('header', {}, h('h1', {}, home.title), languages(strings.lang), h('p', { class: 'lead' }, home.lead)),
    h('section', { class: 'doors' }, agentDoor(home, lang), boardDoor(home, lang)),
    h('p', { class: 'notice' }, h('b', {}, home.noticeTitle), home.notice),
    h('section', { class: 'panel' }, h('h2', {}, home.recordings), h('p', {}, home.recordingsText), list),
  )
  fill(list, home, lang)
}

/** @param {string} now */
function languages(now) {
  const box = h('div', { class: 'langs', role: 'group', 'aria-label': '语言 Language' })
  for (const [lang, name] of [['zh-CN', '中文'], ['en', 'English']]) {
    const button = h('button', { type: 'button', lang, 'aria-pressed': String(lang === now) }, name)
    button.addEventListener('click', () => {
      history.replaceState(null, '', lang === 'en' ? '?lang=en' : location.pathname)
      draw(lang)
    })
    box.append(button)
  }
  return box
}

/** @param {import('../ui/strings.js').Strings['home']} home @param {string} lang */
function agentDoor(home, lang) {
  const field = h('input', { name: 'agent', value: 'demo', 'aria-label': home.agentId, required: true, maxlength: 64 })
  const form = h('form', { action: http(SERVER, 'agent').href }, field, h('button', {}, home.open))
  if (lang.startsWith('en')) form.append(h('input', { type: 'hidden', name: 'lang', value: 'en' }))
  return h('div', { class: 'panel' }, h('h2', {}, home.agent), h('p', {}, home.agentText), form)
}

/** @param {import('../ui/strings.js').Strings['home']} home @param {string} lang */
function boardDoor(home, lang) {
  const link = http(SERVER, 'board')
  if (lang.startsWith('en')) link.searchParams.set('lang', 'en')
  return h(
    'div', { class: 'panel' }, h('h2', {}, home.board), h('p', {}, home.boardText),
    h('div', { class: 'go' }, h('a', { class: 'press', href: link.href }, home.open)),
  )
}

/** @param {HTMLElement} list @param {import('../ui/strings.js').Strings['home']} home @param {string} lang */
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

/** @param {Recording} one @param {import('../ui/strings.js').Strings['home']} home @param {string} lang */
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
 * @param {import('../ui/strings.js').Strings['home']} home @param {string} lang
 */
async function replay(recording, button, go, home, lang) {
  button.disabled = true
  try {
    const answer = await fetch(http(SERVER, 'v1/demo/replays'), {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ recording }),
    })
    if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.detail ?? `${answer.status}`)
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

draw(new URLSearchParams(location.search).get('lang') === 'en' ? 'en' : 'zh-CN')
