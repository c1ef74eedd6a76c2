/** `/desk`: how the rules do, and changing them: draft, check, trial, publish, back. */
import { ask, Fault } from '../client/api.js'
import { figures } from '../client/rule-figures.js'
import { Editor } from '../desk/editor.js'
import { RulesTable } from '../desk/rules-table.js'
import { deskStringsFor } from '../desk/strings.js'
import { h, say, words } from '../ui/dom.js'
import { twice } from '../ui/sure.js'
import { begin, SERVER, told } from './shell.js'

const { session, lang, main } = await begin('desk')
const text = deskStringsFor(lang)
document.title = `${text.title} · 听伴`
const versions = h('section', { class: 'panel', 'aria-label': text.versions })
const explain = (/** @type {unknown} */ error) => (error instanceof Fault && error.code === 'no_desk' ? text.noDesk : told(error, lang))

async function drawVersions() {
  const status = h('p', { class: 'facts', role: 'status' })
  const back = h('button', { type: 'button', class: 'press light' })
  twice(back, text.rollback, text.sure, async () => {
    try {
      const { version } = await ask(SERVER, 'v1/desk/rollback', { method: 'POST' })
      await drawVersions()
      versions.append(h('p', { role: 'status' }, text.rolled(version)))
    } catch (error) {
      say(status, explain(error))
    }
  })
  try {
    const { current, versions: entries } = await ask(SERVER, 'v1/desk/versions')
    const when = (/** @type {number} */ at) => new Date(at * 1000).toLocaleString(lang, { dateStyle: 'short', timeStyle: 'short' })
    const lines = entries.slice(0, 30).map((/** @type {any} */ one) => h(
      'li', {}, h('b', {}, `v${one.version}`), ` ${text.what[/** @type {'publish'} */ (one.what)] ?? ''} `, words(one.by ?? ''), h('span', { class: 'facts' }, ` ${one.at ? when(one.at) : ''}`),
    ))
    versions.replaceChildren(h('h2', {}, `${text.versions}${text.colon}v${current} ${text.current}`), h('ol', { class: 'rest' }, ...lines), current > 0 ? h('p', {}, back) : '', status)
  } catch (error) {
    versions.replaceChildren(h('h2', {}, text.versions), h('p', { class: 'fault' }, explain(error)))
  }
}

/** A part that fails leaves the others standing. @param {() => Promise<HTMLElement>} make */
async function part(make) {
  try {
    return await make()
  } catch (error) {
    return h('p', { class: 'panel fault', role: 'alert' }, explain(error))
  }
}

const table = await part(async () => new RulesTable((await ask(SERVER, 'v1/rules')).map(figures), text, lang).element)
const editor = await part(async () => new Editor(await ask(SERVER, 'v1/desk/packs'), { server: SERVER, text, lang, user: session.user, told: explain, published: drawVersions }).element)
main.replaceChildren(h('h1', {}, text.title), table, editor, versions)
drawVersions()
