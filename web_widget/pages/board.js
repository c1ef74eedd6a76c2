/** `/board`, with `lang`, `theme` and `call` (open beside): the board over the whole window. */
import '../define-board.js'

const wanted = new URLSearchParams(location.search)
const board = document.createElement('tingban-board')
for (const name of ['call', 'lang', 'theme']) {
  const value = wanted.get(name)
  if (value) board.setAttribute(name, value)
}
if (wanted.get('lang')?.startsWith('en')) document.documentElement.lang = 'en'
document.querySelector('main')?.append(board)
