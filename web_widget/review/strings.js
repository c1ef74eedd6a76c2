/** Words of the past calls and the review, Chinese first. */

const zh = {
  calls: {
    title: '历史通话', from: '从', to: '到', agent: '坐席', queue: '队列', rule: '规则', category: '类别', severity: '级别', text: '说过的话',
    any: '不限', search: '查找', more: '更多', none: '没有符合条件的通话', loading: '正在读取…', started: '开始', length: '时长',
    cues: '提示', cards: '建议', audio: '有录音', open: '复盘', usedOf: (/** @type {number} */ used, /** @type {number} */ all) => `采用 ${used}/${all}`,
  },
  review: {
    title: '通话复盘', colon: '：', timeline: '时间轴', transcript: '通话文字', cues: '提示与建议', play: '播放', pause: '暂停', noAudio: '这通电话没有保留声音',
    hear: '听这一句', why: '为什么触发', rule: '规则', pack: '规则包', stages: '用时', trace: '经过', retracted: '已撤回', suppressed: '没有弹出',
    verdicts: { used: '已采用', dismissed: '已忽略', wrong: '坐席说不对', said: '坐席说了' },
    marks: { right: '对', wrong: '不对', missed: '漏了' }, marked: '已标注', missedHere: '这里漏了', missedWhat: '漏了什么', quote: '哪几个字',
    save: '保存', cancel: '取消', exportIt: '导出', back: '回到历史通话', nothing: '没有触发任何提示', suggestion: '建议', none: '没有这通电话',
    lanes: { agent: '坐席', customer: '客户', unknown: '通话' }, silence: '沉默', interruption: '抢话', cue: '提示', promises: '承诺',
    said: { whisper: '悄悄话', hand: '求助', action: '处理' }, ms: '毫秒', evidence: '证据', position: '播放位置',
    stageNames: { recognised: '识别', fired: '规则', sent: '送出' },
  },
}

/** @typedef {typeof zh} ReviewStrings */

/** @type {ReviewStrings} */
const en = {
  calls: {
    title: 'Past calls', from: 'From', to: 'To', agent: 'Agent', queue: 'Queue', rule: 'Rule', category: 'Category', severity: 'Severity', text: 'Words said',
    any: 'Any', search: 'Search', more: 'More', none: 'No call matches', loading: 'Loading…', started: 'Started', length: 'Length',
    cues: 'Cues', cards: 'Cards', audio: 'audio', open: 'Review', usedOf: (used, all) => `used ${used}/${all}`,
  },
  review: {
    title: 'Call review', colon: ': ', timeline: 'Timeline', transcript: 'Transcript', cues: 'Cues and cards', play: 'Play', pause: 'Pause', noAudio: 'No audio is kept of this call',
    hear: 'Hear these words', why: 'Why it fired', rule: 'Rule', pack: 'Pack', stages: 'Took', trace: 'Trace', retracted: 'withdrawn', suppressed: 'not shown',
    verdicts: { used: 'used', dismissed: 'dismissed', wrong: 'agent: wrong', said: 'agent said it' },
    marks: { right: 'Right', wrong: 'Wrong', missed: 'Missed' }, marked: 'marked', missedHere: 'Missed here', missedWhat: 'What was missed', quote: 'Which words',
    save: 'Save', cancel: 'Cancel', exportIt: 'Export', back: 'Back to past calls', nothing: 'Nothing fired', suggestion: 'Card', none: 'There is no such call',
    lanes: { agent: 'Agent', customer: 'Customer', unknown: 'Call' }, silence: 'silence', interruption: 'interruption', cue: 'cue', promises: 'Promises',
    said: { whisper: 'whisper', hand: 'help', action: 'action' }, ms: 'ms', evidence: 'Evidence', position: 'Position',
    stageNames: { recognised: 'recognised', fired: 'rules', sent: 'sent' },
  },
}

/** @param {string} lang */
export const reviewStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
