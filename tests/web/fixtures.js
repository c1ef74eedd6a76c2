/** The recorded call that all parts share, and what a server would make of its beginning. */
import { readFileSync } from 'node:fs'

const FOLDER = new URL('../fixtures/', import.meta.url)

/** @param {string} name @returns {any[]} */
export const lines = (name) =>
  readFileSync(new URL(name, FOLDER), 'utf8').trim().split('\n').map((line) => JSON.parse(line))

export const CALL = lines('call.jsonl')
export const INFO = {
  agent: 'a-7', queue: 'broadband', tier: 'gold', brand: 'telecom', attributes: {},
  started_at: '2026-01-05T08:00:00Z',
}

/** As server/live/history.py keeps it: later revisions and values stand for earlier ones. */
export function snapshot(events, { call = 'c-fixture-1', info = INFO } = {}) {
  const kept = new Map()
  for (const event of events) {
    let key = event.seq
    if (event.type === 'transcript') key = event.utterance
    if (event.type === 'metric') key = `${event.party} ${event.name}`
    kept.delete(key)
    kept.set(key, event)
  }
  const live = !events.some((one) => one.type === 'status' && one.name === 'call_ended')
  return {
    type: 'snapshot', call, info, live, seq: events.at(-1)?.seq ?? 0,
    at_ms: Math.max(0, ...events.map((one) => one.at_ms)), events: [...kept.values()],
  }
}

/** The same numbers every run. @param {number} seed */
export function dice(seed) {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}
