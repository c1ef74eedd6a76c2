/** `/agent`: the widget over the whole window; with `agent` or `call`, `lang`, `theme`, `observe`. */
import '../define.js'
import { set } from '../ui/dom.js'
import { begin, pageUrl } from './shell.js'

const wanted = new URLSearchParams(location.search)
const { session, lang, main } = await begin('agent')
const own = session.role === 'agent' && session.access !== 'open' ? session.user : ''
const agent = wanted.get('agent') || own
const call = wanted.get('call')
if (!agent && !call) location.replace(pageUrl(''))
else {
  const widget = document.createElement('tingban-assist')
  set(widget, { ...(call ? { call } : { agent }), lang, theme: wanted.get('theme'), observe: wanted.has('observe'), shortcuts: 'page' })
  document.title = `${agent || call} · 听伴`
  main.append(widget)
}
