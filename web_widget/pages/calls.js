/** `/calls`: calls that are over, found by what is known of them. */
import { ask } from '../client/api.js'
import { categoryName, CATEGORIES } from '../client/categories.js'
import { clock } from '../client/text.js'
import { SEVERITIES } from '../client/wire.js'
import { reviewStringsFor } from '../review/strings.js'
import { h, say, show, words } from '../ui/dom.js'
import { stringsFor } from '../ui/strings.js'
import { begin, pageUrl, SERVER, told } from './shell.js'

const LIMIT = 50
const FIELDS = /** @type {const} */ (['from', 'to', 'agent', 'queue', 'rule', 'category', 'severity', 'text'])
const { lang, main } = await begin('calls')
const text = reviewStringsFor(lang).calls
const { severity: severities } = stringsFor(lang)
document.title = `${text.title} · 听伴`

const list = h('ol', { class: 'found' })
const state = h('p', { class: 'facts', role: 'status' })
const more = h('button', { type: 'button', class: 'press light' }, text.more)
const form = h('form', { class: 'panel filters', role: 'search' }, ...FIELDS.map(field), h('button', { class: 'press' }, text.search))
/** @type {string|null} */ let cursor = null
let asked = 0

/** @param {typeof FIELDS[number]} name */
function field(name) {
  const wanted = new URLSearchParams(location.search).get(name) ?? ''
  const label = text[name]
  if (name === 'category' || name === 'severity') {
    const options = name === 'category'
      ? CATEGORIES.map((one) => h('option', { value: one }, categoryName(one, lang)))
      : SEVERITIES.filter((one) => one !== 'low').map((one) => h('option', { value: one }, severities[one]))
    const select = h('select', { name }, h('option', { value: '' }, text.any), ...options)
    select.value = wanted
    return h('label', {}, h('span', {}, label), select)
  }
  const date = name === 'from' || name === 'to'
  const input = h('input', { name, type: date ? 'date' : 'search', maxlength: date ? null : 80, value: wanted })
  return h('label', {}, h('span', {}, label), input)
}

/** What the fields ask for; a day means all of it, in the reader's own time. */
function query() {
  /** @type {Record<string, string>} */
  const asked = {}
  for (const [name, value] of new FormData(form)) {
    const given = String(value).trim()
    if (!given) continue
    if (name === 'from') asked.from = new Date(`${given}T00:00:00`).toISOString()
    else if (name === 'to') asked.to = new Date(`${given}T23:59:59.999`).toISOString()
    else asked[name] = given
  }
  return asked
}

/** @param {boolean} fresh begin anew, or go on where the last answer stopped */
async function search(fresh) {
  const ticket = (asked += 1)
  say(state, text.loading)
  show(more, false)
  try {
    const answer = await ask(SERVER, 'v1/archive', { query: { ...query(), limit: LIMIT, cursor: fresh ? null : cursor } })
    // A slow answer to an earlier question must not mix with this one.
    if (ticket !== asked) return
    if (fresh) list.replaceChildren()
    list.append(...answer.calls.map(line))
    cursor = answer.next ?? null
    say(state, list.childElementCount ? '' : text.none)
    show(more, cursor !== null)
  } catch (error) {
    if (ticket === asked) say(state, told(error, lang))
  }
}

/** @param {any} value ISO text, or seconds or ms since the epoch */
function time(value) {
  const date = new Date(typeof value === 'number' && value < 1e11 ? value * 1000 : value)
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleString(lang, { dateStyle: 'short', timeStyle: 'short' })
}

/** @param {any} one */
function line(one) {
  const { call, info = {}, started_at, duration_ms = 0, severity = '', alerts = {}, suggestions = 0, used = 0, audio } = one
  const cues = Object.entries(alerts).map(([name, n]) => h('li', {}, categoryName(name, lang), h('b', {}, ` ${n}`)))
  return h(
    'li', { class: severity ? `severity-${severity}` : '', 'data-call': call },
    h('a', { href: pageUrl('review', { call }), title: `${text.open} ${call}` }, words(info.agent || call), ' ', words(info.queue ?? '')),
    h('span', { class: 'facts' }, `${time(started_at ?? info.started_at)} · ${clock(duration_ms)}${audio ? ` · ${text.audio}` : ''}`),
    h('ul', { class: 'cue-counts' }, ...cues), h('span', { class: 'facts' }, suggestions ? text.usedOf(used, suggestions) : ''),
  )
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const url = new URL(location.href)
  for (const [name, value] of new FormData(form)) {
    if (value) url.searchParams.set(name, String(value))
    else url.searchParams.delete(name)
  }
  history.replaceState(null, '', url)
  search(true)
})
more.addEventListener('click', () => search(false))
main.replaceChildren(h('h1', {}, text.title), form, list, state, h('p', {}, more))
search(true)
