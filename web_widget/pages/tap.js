/** `/tap`: microphone and tab sound into a call, for those who have only a web phone. */
import { h, say, set, show } from '../ui/dom.js'
import { microphone, release, tab } from '../tap/capture.js'
import { tapStringsFor } from '../tap/strings.js'
import { Tap } from '../tap/tap.js'
import { begin, pageUrl, SERVER } from './shell.js'

const { session, lang, main } = await begin('tap')
const text = tapStringsFor(lang)
document.title = `${text.title} · 听伴`
/** @type {Tap|null} */ let tap = null
/** @type {(MediaStream|null)[]} */ let streams = []

const wanted = new URLSearchParams(location.search)
const input = (/** @type {string} */ name, /** @type {string} */ value, required = false) => h('input', { name, value, maxlength: 64, required, pattern: name === 'call' ? '[A-Za-z0-9._\\-]+' : null })
const agent = input('agent', wanted.get('agent') ?? (session.role === 'agent' ? session.user : 'demo'), true)
const queue = input('queue', wanted.get('queue') ?? '')
const call = input('call', wanted.get('call') ?? newCall(), true)
const source = h('select', { name: 'source' }, ...(/** @type {const} */ (['both', 'agentOnly', 'customerOnly'])).map((one) => h('option', { value: one }, text[one])))
const start = h('button', { class: 'press' }, text.start)
const stop = h('button', { type: 'button', class: 'press light', hidden: true }, text.stop)
const watch = h('a', { hidden: true, target: '_blank', rel: 'noopener' }, text.watch)
const status = h('p', { role: 'status', class: 'tap-state', 'data-phase': 'idle' }, text.phases.idle)
const problem = h('p', { class: 'fault', role: 'alert' })
const meters = /** @type {const} */ (['agent', 'customer']).map((party) => {
  const meter = h('meter', { min: 0, max: 1, 'aria-label': `${text.levels} ${text.parties[party]}` })
  return { party, meter, row: h('div', { class: 'level', hidden: true }, h('span', {}, text.parties[party]), meter) }
})
const form = h(
  'form', { class: 'panel' },
  h('div', { class: 'filters' }, label(text.agent, agent), label(text.queue, queue), label(text.call, call), label(text.source, source)),
  h('p', { class: 'go' }, start, stop, watch),
)

/** @param {string} name @param {HTMLElement} field */
function label(name, field) {
  return h('label', {}, h('span', {}, name), field)
}

function newCall() {
  return `web-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e6).toString(36)}`
}

/** @param {string} code @param {string} [message] */
function tell(code, message = '') {
  say(problem, text.problems[/** @type {'full'} */ (code)] ?? message)
}

/** @param {import('../tap/tap.js').TapState} state */
function draw({ phase, code, message, levels, silent, unsent_ms, lost_ms }) {
  const more = [unsent_ms > 1_000 ? text.unsent((unsent_ms / 1000).toFixed(0)) : '', lost_ms ? text.lost((lost_ms / 1000).toFixed(1)) : '']
  set(status, { 'data-phase': phase })
  say(status, [text.phases[phase], ...more].filter(Boolean).join(' · '))
  for (const { party, meter, row } of meters) {
    show(row, party in levels)
    // The ear hears loudness as its logarithm: 0 is −60 dB.
    meter.value = Math.max(0, 1 + Math.log10(Math.max(1e-3, levels[party] ?? 0)) / 3)
  }
  if (code) tell(code, message)
  else if (silent.length) say(problem, text.silent(text.parties[/** @type {'agent'} */ (silent[0])]))
  else say(problem, '')
  const over = phase === 'ended' || phase === 'failed'
  show(stop, !over)
  show(start, over)
  if (over) release(...streams)
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  start.disabled = true
  say(problem, '')
  /** @type {MediaStream|null} */ let mic = null
  /** @type {MediaStream|null} */ let other = null
  try {
    // The tab first: the browser asks for it only right after a press.
    if (source.value === 'both') other = await tab()
    mic = await microphone()
  } catch (error) {
    release(mic, other)
    const fault = /** @type {Error} */ (error)
    tell(fault.name, fault.message)
    start.disabled = false
    return
  }
  streams = [mic, other]
  if (tap) call.value = newCall()
  const onCustomer = source.value === 'customerOnly'
  tap = new Tap({
    server: SERVER, onstate: draw, agent: onCustomer ? null : mic, customer: onCustomer ? mic : other,
    call: { call: call.value, agent: agent.value, ...(queue.value ? { queue: queue.value } : {}) },
  })
  await tap.start()
  watch.href = pageUrl('agent', { agent: agent.value })
  show(watch, true)
  start.disabled = false
})
stop.addEventListener('click', () => tap?.stop())
addEventListener('pagehide', () => tap?.stop())
main.replaceChildren(h('h1', {}, text.title), h('p', {}, text.lead), form, status, ...meters.map(({ row }) => row), problem)
