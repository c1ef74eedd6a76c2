/** `/review?call=ID`: one call that is over, heard and judged again. */
import { ask, Fault } from '../client/api.js'
import { http } from '../client/addresses.js'
import { review } from '../client/review-state.js'
import { clock } from '../client/text.js'
import { isCallEvent, parse, WireError } from '../client/wire.js'
import { Findings } from '../review/findings.js'
import { Player } from '../review/player.js'
import { reviewStringsFor } from '../review/strings.js'
import { Timeline } from '../review/timeline.js'
import { h, say, set, show, words } from '../ui/dom.js'
import { begin, pageUrl, SERVER, told } from './shell.js'

const { session, lang, main } = await begin('review')
const text = reviewStringsFor(lang).review
const call = new URLSearchParams(location.search).get('call') ?? ''
document.title = `${text.title} ${call} · 听伴`
if (!call) location.replace(pageUrl('calls'))
else open().catch((error) => {
  const missing = error instanceof Fault && error.status === 404
  main.replaceChildren(h('p', { class: 'fault', role: 'alert' }, missing ? text.none : told(error, lang)), h('a', { href: pageUrl('calls') }, text.back))
})

/** Events that this page cannot read are left out, not the whole call. @param {unknown[]} stored */
function readable(stored) {
  /** @type {import('../client/wire.js').CallEvent[]} */
  const out = []
  for (const one of stored) {
    try {
      const message = parse(JSON.stringify(one))
      if (isCallEvent(message)) out.push(message)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
    }
  }
  return out
}

async function open() {
  const stored = await ask(SERVER, `v1/archive/${encodeURIComponent(call)}`)
  const state = review(call, readable(stored.events), Number(stored.duration_ms) || 0)
  const noAudio = h('p', { class: 'facts', role: 'status' })
  const play = h('button', { type: 'button', class: 'press', disabled: true }, text.play)
  const at = h('time', {}, clock(0))
  const player = new Player({
    server: SERVER, call, duration_ms: state.duration_ms,
    moved: (ms, playing) => {
      timeline.move(ms)
      say(at, clock(ms))
      say(play, playing ? text.pause : text.play)
      findings.move(ms)
    },
    failed: () => say(noAudio, text.noAudio),
  })
  const timeline = new Timeline(state, text, (ms) => player.play(ms))
  const findings = new Findings(state, { lang, text, server: SERVER, hear: (from, to) => player.play(from, to), may: session.role !== 'agent' })
  play.addEventListener('click', () => (player.playing ? player.pause() : player.play(player.at)))
  const exportIt = h('a', { class: 'press light', href: http(SERVER, `v1/archive/${encodeURIComponent(call)}/export`).href, download: `${call}.json` }, text.exportIt)
  const { info = {} } = stored
  main.replaceChildren(
    h('header', { class: 'review-head' }, h('h1', {}, text.title), words(info.agent ?? ''), words(info.queue ?? ''), words(call), h('span', { class: 'go' }, play, at, exportIt)),
    noAudio, timeline.element, findings.element,
  )
  const heard = await timeline.load(SERVER)
  set(play, { disabled: !heard })
  show(noAudio, !heard)
  if (!heard) say(noAudio, text.noAudio)
}
