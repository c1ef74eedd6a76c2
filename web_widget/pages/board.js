/** `/board`, with `lang`, `theme` and `call` (open beside): the board over the whole window. */
import '../define-board.js'
import { set } from '../ui/dom.js'
import { begin } from './shell.js'

const wanted = new URLSearchParams(location.search)
const { lang, main } = await begin('board')
const board = document.createElement('tingban-board')
set(board, { lang, theme: wanted.get('theme'), call: wanted.get('call') })
main.append(board)
