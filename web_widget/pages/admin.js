/** `/admin`: accounts, teams with their queues, and who sits at which extension or queue. */
import { ask } from '../client/api.js'
import { h, say, words } from '../ui/dom.js'
import { twice } from '../ui/sure.js'
import { adminStringsFor } from './admin-strings.js'
import { begin, SERVER, told } from './shell.js'

const ROLES = /** @type {const} */ (['agent', 'lead', 'engineer', 'admin', 'ingest'])
const { session, lang, main } = await begin('admin')
const text = adminStringsFor(lang)
document.title = `${text.title} · 听伴`
const status = h('p', { class: 'admin-state', role: 'status' })

/** @typedef {{user: string, name: string, role: string, teams: string[], active: boolean}} User */

/** Does it, and says how it went. @param {() => Promise<unknown>} work @returns {Promise<boolean>} */
async function done(work) {
  try {
    await work()
    say(status, text.saved)
    status.classList.remove('fault')
    return true
  } catch (error) {
    say(status, told(error, lang))
    status.classList.add('fault')
    return false
  }
}

/** @param {string} value */
const list = (value) => value.split(/[,，\n]+/).map((one) => one.trim()).filter(Boolean)

/** @param {string} label @param {Record<string, any>} attributes */
const field = (label, attributes) => h('input', { 'aria-label': label, maxlength: 128, ...attributes })

/** @param {string} now @param {string} label */
function roles(now, label) {
  const select = h('select', { 'aria-label': label }, ...ROLES.map((one) => h('option', { value: one }, text.roles[one])))
  select.value = now
  return select
}

/** @param {User} user @param {() => void} changed */
function row(user, changed) {
  const at = `v1/users/${encodeURIComponent(user.user)}`
  const name = field(`${text.name} ${user.user}`, { value: user.name })
  const role = roles(user.role, `${text.role} ${user.user}`)
  const teams = field(`${text.teams} ${user.user}`, { value: user.teams.join('，') })
  const password = field(`${text.password} ${user.user}`, { type: 'password', autocomplete: 'new-password', minlength: 8, maxlength: 256, placeholder: text.unchanged })
  const active = h('input', { type: 'checkbox', 'aria-label': `${text.active} ${user.user}` })
  active.checked = user.active
  const save = h('button', { type: 'button', class: 'press light' }, text.save)
  save.addEventListener('click', async () => {
    if (!password.reportValidity()) return
    const body = { name: name.value, role: role.value, teams: list(teams.value), active: active.checked, ...(password.value ? { password: password.value } : {}) }
    if (await done(() => ask(SERVER, at, { method: 'PATCH', body }))) password.value = ''
  })
  const remove = h('button', { type: 'button', class: 'plain' })
  twice(remove, text.remove, text.sure, async () => {
    if (await done(() => ask(SERVER, at, { method: 'DELETE' }))) changed()
  })
  return h(
    'tr', { 'data-user': user.user }, h('th', { scope: 'row' }, words(user.user)), ...[name, role, teams, password, active].map((one) => h('td', {}, one)),
    h('td', {}, save, ' ', user.user === session.user ? '' : remove),
  )
}

async function people() {
  const body = h('tbody')
  const draw = async () => {
    /** @type {User[]} */
    const users = await ask(SERVER, 'v1/users')
    body.replaceChildren(...users.map((one) => row(one, draw)))
  }
  await draw()
  const heads = [text.user, text.name, text.role, text.teams, text.password, text.active, ''].map((one) => h('th', { scope: 'col' }, one))
  return h(
    'section', { class: 'panel', 'aria-label': text.people }, h('h2', {}, text.people),
    h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': text.people }, h('table', {}, h('thead', {}, h('tr', {}, ...heads)), body)), addForm(draw),
  )
}

/** @param {() => Promise<void>} changed */
function addForm(changed) {
  const user = field(text.user, { required: true, maxlength: 64, pattern: '[A-Za-z0-9._@\\-]+', placeholder: text.user })
  const name = field(text.name, { placeholder: text.name })
  const role = roles('agent', text.role)
  const teams = field(text.teams, { placeholder: text.teams })
  const password = field(text.password, { type: 'password', autocomplete: 'new-password', minlength: 8, maxlength: 256, placeholder: text.password })
  const form = h('form', { class: 'mark-form', 'aria-label': text.add }, user, name, role, teams, password, h('button', { class: 'press' }, text.add))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const body = { user: user.value, name: name.value, role: role.value, teams: list(teams.value), ...(password.value ? { password: password.value } : {}) }
    if (!(await done(() => ask(SERVER, 'v1/users', { method: 'POST', body })))) return
    form.reset()
    await done(changed)
  })
  return form
}

/**
 * Lines of `left = right`, saved as a whole. @param {string} title @param {string} hint
 * @param {[string, string][]} entries @param {(entries: [string, string][]) => Promise<unknown>} put
 */
function lines(title, hint, entries, put) {
  const area = h('textarea', { rows: Math.min(12, Math.max(3, entries.length + 1)), 'aria-label': title, spellcheck: 'false' })
  area.value = entries.map(([left, right]) => `${left} = ${right}`).join('\n')
  const save = h('button', { class: 'press light' }, text.save)
  const form = h('form', { class: 'panel', 'aria-label': title }, h('h2', {}, title), h('p', { class: 'facts' }, hint), area, h('p', {}, save))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const given = area.value.split('\n').map((one) => one.trim()).filter(Boolean)
    const wrong = given.find((one) => !/^[^=]+=.+$/.test(one))
    if (wrong) {
      say(status, `${text.badLine}${wrong.slice(0, 80)}`)
      status.classList.add('fault')
      return
    }
    done(() => put(given.map((one) => {
      const at = one.indexOf('=')
      return [one.slice(0, at).trim(), one.slice(at + 1).trim()]
    })))
  })
  return form
}

async function teams() {
  const { teams: known } = await ask(SERVER, 'v1/teams')
  const entries = known.map((/** @type {{team: string, queues: string[]}} */ one) => [one.team, one.queues.join('，')])
  return lines(text.teamList, text.teamHint, entries, (given) => ask(SERVER, 'v1/teams', { method: 'PUT', body: { teams: given.map(([team, queues]) => ({ team, queues: list(queues) })) } }))
}

async function places() {
  const map = await ask(SERVER, 'v1/queue-map')
  const put = (/** @type {object} */ part) => async (/** @type {[string, string][]} */ given) => {
    const now = await ask(SERVER, 'v1/queue-map')
    const [name] = Object.keys(part)
    return ask(SERVER, 'v1/queue-map', { method: 'PUT', body: { ...now, [name]: Object.fromEntries(given) } })
  }
  return [
    lines(text.extensions, text.extensionHint, Object.entries(map.extensions), put({ extensions: 1 })),
    lines(text.queues, text.queueHint, Object.entries(map.queues), put({ queues: 1 })),
  ]
}

main.replaceChildren(h('h1', {}, text.title), status)
for (const part of [people, teams, places]) {
  await part().then((made) => main.append(...[made].flat()), (error) => main.append(h('p', { class: 'panel fault', role: 'alert' }, told(error, lang))))
}
