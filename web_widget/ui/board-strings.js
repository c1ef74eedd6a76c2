/** Words of the board, Chinese first; loaded with the board only. */

const zh = {
  kinds: { info: '轻微', low: '轻微', medium: '留意', high: '紧急', veto: '一票否决', critical: '危险' },
  title: '实时看板', live: '通话中', ended: '已结束', feed: '动态', filter: '按工号、队列、内容筛选',
  severity: '最低级别', all: '全部', count: (/** @type {number} */ n, /** @type {number} */ of) => (n === of ? `${of} 通` : `${n} / ${of} 通`),
  none: '现在没有通话', noMatch: '没有符合条件的通话', noAlerts: '还没有告警',
  suggested: '已建议', calm: '平稳', close: '关闭', open: (/** @type {string} */ call) => `查看通话 ${call}`,
  allQueues: '全部队列', allTiers: '全部等级', queue: '队列', tier: '等级', unbound: '未认领',
  raised: '求助', views: '视图', calls: '通话', agents: '坐席', rate: '语速', share: '占比', perHour: '建议/小时', idle: '空闲', live1: '通话中',
  spike: (/** @type {string} */ topic, /** @type {number} */ n, /** @type {string} */ usual) => `投诉集中：${topic}，${n} 通（平时 ${usual}）`,
  only: (/** @type {number} */ n) => `只看这 ${n} 通`, back: '看全部',
  sound: '提示音', notify: '桌面通知', notifyDenied: '浏览器没有允许通知',
  acts: { acknowledge: '知悉', assign: '转交', resolve: '处理完', note: '备注' },
  done: { acknowledge: '已知悉', assign: '已转交', resolve: '已处理', note: '备注' },
  whisper: '悄悄话，只有坐席看得到', send: '发送', note: '给这通电话写备注', alerts: '告警', tools: '处理',
  transfer: '转给坐席（工号）', transferIt: '转接', assignTo: '把最要紧的告警交给谁', sent: '已发送', why: '证据',
  listen: '旁听', stop: '停止旁听', hear: '听证据', noAudio: '这通电话没有保留声音', listening: '正在旁听',
  alone: (/** @type {string} */ node) => `与其他节点失去联系，这里只有节点 ${node} 的通话`,
  held: '指针停在列表上，排序已暂停', loading: '正在读取…', detail: '通话详情', last: '最近一句',
}

/** @typedef {typeof zh} BoardStrings */

/** @typedef {import('./strings.js').Strings & {board: BoardStrings}} AllStrings */

/** @type {BoardStrings} */
const en = {
  kinds: { info: 'Minor', low: 'Minor', medium: 'Notice', high: 'Urgent', veto: 'Critical item', critical: 'DANGER' },
  title: 'Live board', live: 'Live', ended: 'Ended', feed: 'Feed', filter: 'Filter by agent, queue, words',
  severity: 'At least', all: 'All', count: (n, of) => (n === of ? `${of} ${of === 1 ? 'call' : 'calls'}` : `${n} of ${of} calls`),
  none: 'No calls right now', noMatch: 'No call matches', noAlerts: 'No alerts yet',
  suggested: 'Suggested', calm: 'Calm', close: 'Close', open: (call) => `Open call ${call}`,
  allQueues: 'All queues', allTiers: 'All tiers', queue: 'Queue', tier: 'Tier', unbound: 'unclaimed',
  raised: 'Help', views: 'View', calls: 'Calls', agents: 'Agents', rate: 'Rate', share: 'Share', perHour: 'cards/h', idle: 'idle', live1: 'on a call',
  spike: (topic, n, usual) => `Complaints pile up: ${topic}, ${n} calls (usually ${usual})`,
  only: (n) => `Only these ${n}`, back: 'Show all',
  sound: 'Sound', notify: 'Notifications', notifyDenied: 'The browser does not allow notifications',
  acts: { acknowledge: 'Acknowledge', assign: 'Assign', resolve: 'Resolve', note: 'Note' },
  done: { acknowledge: 'acknowledged', assign: 'assigned', resolve: 'resolved', note: 'note' },
  whisper: 'Whisper; only the agent sees it', send: 'Send', note: 'A note on this call', alerts: 'Alerts', tools: 'Handle',
  transfer: 'To agent', transferIt: 'Transfer', assignTo: 'Who takes the worst alert', sent: 'Sent', why: 'Evidence',
  listen: 'Listen in', stop: 'Stop listening', hear: 'Hear the evidence', noAudio: 'No audio is kept of this call', listening: 'Listening in',
  alone: (node) => `No connection to the other nodes: only calls of node ${node} are here`,
  held: 'Order paused while you point at the list', loading: 'Loading…', detail: 'Call detail', last: 'Last words',
}

/** @param {string|null|undefined} lang @returns {BoardStrings} */
export const boardStringsFor = (lang) => (lang?.toLowerCase().startsWith('en') ? en : zh)
