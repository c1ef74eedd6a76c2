/**
 * PURE. A stored call as a reviewer sees it: everything that was ever shown, also what was taken
 * back, with why and how fast.
 * @typedef {import('./wire.js').CallEvent} CallEvent
 * @typedef {{alert: import('./wire.js').Alert, retracted: string, suggestion: import('./wire.js').Suggestion|null,
 *   verdict: string, suppressed: string, stages: {name: string, ms: number}[],
 *   marks: readonly import('./wire.js').Mark[]}} Cue
 * @typedef {{start_ms: number, end_ms: number}} Stretch
 * @typedef {{call: string, duration_ms: number, utterances: readonly import('./wire.js').Transcript[],
 *   cues: readonly Cue[], silences: readonly Stretch[], interruptions: readonly (Stretch & {by: string})[],
 *   marks: readonly import('./wire.js').Mark[], others: readonly CallEvent[],
 *   steps: readonly import('./wire.js').Step[], commitments: readonly import('./wire.js').Commitment[]}} Review
 */
import { emptyCall, reduce } from './call-state.js'
import { statusLine } from './reasons.js'

const SILENT = 4_000 // ms in which nobody speaks
const OTHERS = new Set(['whisper', 'hand', 'action', 'status'])
const OVERLAP = 400 // ms in which both do

/** @param {string} call @param {readonly CallEvent[]} events in seq order @param {number} duration_ms @returns {Review} */
export function review(call, events, duration_ms) {
  const state = events.reduce(reduce, emptyCall(call))
  /** @type {Map<string, Cue>} */
  const cues = new Map()
  for (const event of events) note(cues, event)
  for (const one of state.marks) {
    const cue = cues.get(one.alert)
    if (cue) cue.marks = [...cue.marks, one]
  }
  for (const cue of cues.values()) cue.verdict = state.verdicts[cue.suggestion?.id ?? ''] ?? ''
  const spoken = utterances(events)
  const ends = Math.max(duration_ms, state.at_ms, ...spoken.map((one) => one.end_ms))
  return {
    call, duration_ms: ends, utterances: spoken, silences: silences(spoken, ends), interruptions: interruptions(spoken),
    cues: [...cues.values()].sort((a, b) => when(a) - when(b)), marks: state.marks, steps: state.steps, commitments: state.commitments,
    others: events.filter((one) => OTHERS.has(one.type) && !(one.type === 'status' && !statusLine(one, 'zh'))),
  }
}

/** @param {Cue} cue */
export const when = ({ alert }) => alert.evidence[0]?.start_ms ?? alert.at_ms

/** @param {Map<string, Cue>} cues @param {CallEvent} event */
function note(cues, event) {
  switch (event.type) {
    case 'alert': {
      const known = cues.get(event.id)
      const fresh = { retracted: '', suggestion: null, verdict: '', suppressed: '', marks: [], stages: stages(event) }
      // How fast it was is how fast it was first shown; what it says is the last word.
      cues.set(event.id, { ...(known ?? fresh), alert: event })
      break
    }
    case 'suggestion': {
      const cue = cues.get(event.alert)
      if (!cue) break
      // A card that was held back may be shown while it is fresh.
      cue.suggestion = event
      cue.suppressed = ''
      break
    }
    case 'suppressed': {
      const cue = cues.get(event.alert)
      if (cue) cue.suppressed = event.why
      break
    }
    case 'retraction': {
      const cue = cues.get(event.id)
      if (cue) cue.retracted = event.why
      break
    }
    default:
  }
}

/** From the last sample of the evidence to the sending, stage by stage. @param {CallEvent} event */
function stages({ stamps }) {
  const order = ['arrived', 'recognised', 'fired', 'sent']
  const known = order.filter((name) => typeof stamps?.[name] === 'number')
  return known.slice(1).map((name, i) => ({ name, ms: Math.round(1000 * (Number(stamps?.[name]) - Number(stamps?.[known[i]]))) }))
}

/** All of them: the live view keeps the last few hundred only. @param {readonly CallEvent[]} events */
function utterances(events) {
  /** @type {Map<string, import('./wire.js').Transcript>} */
  const last = new Map()
  for (const one of events) if (one.type === 'transcript') last.set(one.utterance, one)
  return [...last.values()].filter((one) => one.text).sort((a, b) => a.start_ms - b.start_ms || (a.utterance < b.utterance ? -1 : 1))
}

/** @param {readonly import('./wire.js').Transcript[]} spoken in order of start @param {number} ends @returns {Stretch[]} */
function silences(spoken, ends) {
  const out = []
  let quiet = 0
  for (const { start_ms, end_ms } of [...spoken, { start_ms: ends, end_ms: ends }]) {
    if (start_ms - quiet >= SILENT) out.push({ start_ms: quiet, end_ms: start_ms })
    quiet = Math.max(quiet, end_ms)
  }
  return out
}

/** Who spoke into whom. @param {readonly import('./wire.js').Transcript[]} spoken */
function interruptions(spoken) {
  const out = []
  for (let i = 1; i < spoken.length; i++) {
    const now = spoken[i]
    for (let k = i - 1; k >= Math.max(0, i - 8); k--) {
      const before = spoken[k]
      const end = Math.min(before.end_ms, now.end_ms)
      if (before.party !== now.party && end - now.start_ms >= OVERLAP) {
        out.push({ start_ms: now.start_ms, end_ms: end, by: now.party })
        break
      }
    }
  }
  return out
}
