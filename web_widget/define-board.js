/** Registers the lead's board, and the agent's view that it opens calls in. */
import './define.js'
import { TingbanBoard } from './elements/board.js'

if (!customElements.get('tingban-board')) customElements.define('tingban-board', TingbanBoard)

export { TingbanBoard }
