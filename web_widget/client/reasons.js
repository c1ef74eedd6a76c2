/** Why the server did something, in words: its short names are for programs. Chinese, then English. */

/** @typedef {Readonly<Record<string, readonly [string, string]>>} Names */

/** Why a card was not shown, at least not at once. @type {Names} */
export const HELD = {
  agent_speaking: ['坐席正在说话', 'the agent was speaking'], too_soon: ['离上一张太近', 'too soon after the last card'],
  danger_first: ['让位给危险提示', 'danger came first'], less_urgent: ['当时有更要紧的', 'something more urgent was on screen'],
  call_over: ['通话已经结束', 'the call was over'], merged: ['已有同类建议', 'a card of the same kind was there'],
  cooldown: ['同一规则刚提示过', 'the same rule had just spoken'], too_many: ['一分钟内已够多', 'enough cards in that minute'],
  screen_full: ['屏幕已满', 'the screen was full'],
}

/** Why an alert or a card was taken back. @type {Names} */
export const WITHDRAWN = {
  asr_revised: ['听清后改正', 'recognition changed its mind'], corrected: ['后文说明并非如此', 'later words corrected it'],
  server_restarted: ['服务器重启，重新听', 'the server restarted and heard it again'], expired: ['已过时', 'its time was over'],
  replaced: ['换成了新的建议', 'a newer one took its place'], answered: ['坐席已经说了', 'the agent said it'],
  used: ['已采用', 'used'], dismissed: ['已忽略', 'dismissed'], wrong: ['坐席说不对', 'agent: wrong'],
}

/** Sound that makes no words. @type {Names} */
export const NOT_SPEECH = {
  music: ['音乐', 'music'], ringback: ['回铃音', 'ringback tone'], dtmf: ['按键音', 'key tones'], crosstalk: ['串音', 'crosstalk'], noise: ['杂音', 'noise'],
}

/** What else happened on a call. @type {Names} */
export const STATUS = {
  call_started: ['接通', 'call began'], call_ended: ['结束', 'call ended'], agent_changed: ['换了坐席', 'agent changed'],
  audio_gap: ['有声音没有收到', 'audio never arrived'], not_speech: ['不是说话的声音', 'sound that is not speech'],
  party_failed: ['一方的识别中断', 'recognition of a party failed'], recogniser: ['识别器', 'recogniser'],
  feedback: ['坐席的回应', "agent's answer"], durability: ['记录能否存下', 'whether events are stored'],
}

/** Why the agent of a call changed, why a call ended, whether events are stored. @type {Names} */
export const WHY = {
  hello: ['接入方指明', 'named by the client'], map: ['按分机或队列', 'by the queue map'], claim: ['坐席认领', 'claimed'], transfer: ['转接', 'transferred'],
  ended: ['正常', 'normally'], connection_lost: ['连接断开', 'connection lost'], recogniser_failed: ['识别器故障', 'recogniser failed'],
  going_down: ['服务器停止', 'server stopped'], ok: ['正常', 'stored again'], lost: ['暂时存不下', 'not stored'],
}

/** The name in words; one that is not known stays as it came. @param {Names} names @param {string} name @param {string} lang */
export const named = (names, name, lang) => (Object.hasOwn(names, name) ? names[name][lang.startsWith('en') ? 1 : 0] : name)

/** Of these a reviewer reads elsewhere, or need not. */
const SILENT = new Set(['call_started', 'feedback', 'recogniser'])

/** One line about a status, empty when there is nothing to tell. @param {import('./wire.js').Status} status @param {string} lang */
export function statusLine({ name, detail }, lang) {
  if (SILENT.has(name)) return ''
  const why = named(WHY, String(detail.state ?? detail.why ?? ''), lang)
  const what = name === 'not_speech' ? named(NOT_SPEECH, String(detail.kind ?? ''), lang) : String(detail.agent ?? '')
  return [named(STATUS, name, lang), what, why].filter(Boolean).join(' · ')
}
