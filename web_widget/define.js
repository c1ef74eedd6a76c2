/** The one script tag of an embedding page; the only file here with a side effect besides define-board.js. */
import { TingbanAssist } from './elements/assist.js'

if (!customElements.get('tingban-assist')) customElements.define('tingban-assist', TingbanAssist)

export { TingbanAssist }
