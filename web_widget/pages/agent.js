/** `/agent?agent=ID` or `?call=ID`, with `lang` and `theme`: the widget over the whole window. */
import '../define.js'

const wanted = new URLSearchParams(location.search)
const widget = document.createElement('tingban-assist')
for (const name of ['agent', 'call', 'lang', 'theme']) {
  const value = wanted.get(name)
  if (value) widget.setAttribute(name, value)
}
if (wanted.has('observe')) widget.setAttribute('observe', '')
widget.setAttribute('shortcuts', 'page')
if (wanted.get('lang')?.startsWith('en')) document.documentElement.lang = 'en'
if (!wanted.get('agent') && !wanted.get('call')) location.replace('./')
else {
  document.title = `${wanted.get('agent') || wanted.get('call')} · 听伴`
  document.querySelector('main')?.append(widget)
}
