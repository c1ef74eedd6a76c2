/** `/login`: user and password; `#link=TOKEN` makes the first administrator; `next` is where to go. */
import { ask } from '../client/api.js'
import { http } from '../client/addresses.js'
import { h, say } from '../ui/dom.js'
import { language, languages, pageUrl, SERVER, told } from './shell.js'
import { loginStringsFor } from './login-strings.js'
import { shellStringsFor } from './shell-strings.js'

const SHORTEST = 8 // characters of a password
const lang = language()
const { nav } = shellStringsFor(lang)
const login = loginStringsFor(lang)
const main = /** @type {HTMLElement} */ (document.querySelector('main'))
const link = new URLSearchParams(location.hash.slice(1)).get('link')
document.documentElement.lang = lang
document.title = `${login.title} · ${nav.brand}`
// A secret must not stay in the address bar or in the history.
if (link) history.replaceState(null, '', location.pathname + location.search)

/** Where to go now: a page of this server, whatever the address says. */
function onward() {
  const wanted = new URLSearchParams(location.search).get('next') ?? ''
  const url = http(SERVER, /^[a-z]/.test(wanted) ? wanted : '')
  const own = url.origin === SERVER.origin && url.pathname.startsWith(SERVER.pathname) && !url.pathname.endsWith('/login')
  location.replace(own && wanted ? url.href : pageUrl(''))
}

/** @param {string} label @param {Record<string, string|boolean|number>} attributes */
function field(label, attributes) {
  const input = h('input', { required: true, autocapitalize: 'none', spellcheck: 'false', ...attributes })
  return { input, row: h('label', {}, h('span', {}, label), input) }
}

/**
 * @param {{title: string, text?: string, rows: HTMLElement[], go: string, submit: () => Promise<void>}} what
 */
function form({ title, text, rows, go, submit }) {
  const button = h('button', {}, go)
  const fault = h('p', { class: 'fault', role: 'alert' })
  const made = h('form', { class: 'panel sign-in' }, h('h1', {}, title), text ? h('p', {}, text) : null, ...rows, fault, button)
  made.addEventListener('submit', async (event) => {
    event.preventDefault()
    button.disabled = true
    say(button, login.wait)
    say(fault, '')
    try {
      await submit()
    } catch (error) {
      say(fault, told(error, lang))
    }
    button.disabled = false
    say(button, go)
  })
  main.replaceChildren(h('header', {}, h('span', { class: 'brand' }, nav.brand), languages(lang, nav)), made)
  const focused = /** @type {HTMLElement|null} */ (made.querySelector('input, button'))
  focused?.focus()
}

function signIn() {
  const user = field(login.user, { name: 'user', autocomplete: 'username', maxlength: 64 })
  const password = field(login.password, { name: 'password', type: 'password', autocomplete: 'current-password', maxlength: 256 })
  form({
    title: login.title, rows: [user.row, password.row], go: login.go,
    submit: async () => {
      await ask(SERVER, 'v1/session', { method: 'POST', body: { user: user.input.value, password: password.input.value } })
      onward()
    },
  })
}

/** To the provider and, signed in, back to the page that was wanted. */
function atProvider() {
  const query = new URLSearchParams(location.search)
  const wanted = query.get('next') ?? ''
  const there = http(SERVER, 'v1/session/provider')
  if (/^[a-z][\w./?=&%-]*$/.test(wanted)) there.searchParams.set('next', wanted)
  form({
    title: login.title, text: query.has('problem') ? login.problem : undefined, rows: [], go: login.provider,
    submit: async () => location.assign(there),
  })
}

/** @param {string} token */
function first(token) {
  form({
    title: login.first, text: login.firstText, rows: [], go: login.next,
    submit: async () => setPassword(await ask(SERVER, 'v1/session', { method: 'POST', body: { link: token } })),
  })
}

/** @param {import('./shell.js').Session} session */
function setPassword({ user }) {
  const options = { type: 'password', autocomplete: 'new-password', minlength: SHORTEST, maxlength: 256 }
  const password = field(login.password, options)
  const again = field(login.again, options)
  form({
    title: login.setPassword, text: `${login.who(user)} ${login.short}`, rows: [password.row, again.row], go: login.save,
    submit: async () => {
      if (password.input.value !== again.input.value) throw new Error(login.different)
      await ask(SERVER, `v1/users/${encodeURIComponent(user)}`, { method: 'PATCH', body: { password: password.input.value } })
      // The old session may end with the old password: sign in with the new one.
      await ask(SERVER, 'v1/session', { method: 'POST', body: { user, password: password.input.value } })
      onward()
    },
  })
}

if (link) first(link)
else {
  const known = await ask(SERVER, 'v1/session').catch(() => null)
  if (known) onward()
  else if ((await ask(SERVER, 'v1/session/ways').catch(() => null))?.provider) atProvider()
  else signIn()
}
