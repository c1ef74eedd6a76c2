/** Words of the board, Chinese first; loaded with the board only. */

const zh = {
  kinds: { info: '轻微', low: '轻微', medium: '留意', high: '紧急', veto: '一票否决', critical: '危险' },
  title: '实时看板', live: '通话中', ended: '已结束', feed: '动态', filter: '按工号、队列、内容筛选',
  severity: '最低级别', all: '全部', count: (/** @type {number} */ n, /** @type {number} */ of) => (n === of ? `${of} 通` : `${n} / ${of} 通`),
  none: '现在没有通话', noMatch: '没有符合条件的通话', noAlerts: '还没有告警',
  suggested: '已建议', calm: '平稳', close: '关闭', open: (/** @type {string} */ call) => `查看通话 ${call}`,
  held: '指针停在列表上，排序已暂停', loading: '正在读取…', detail: '通话详情', last: '最近一句',
}

/** @typedef {typeof zh} BoardStrings */

/** @typedef {import('./strings.js').Strings & {board: BoardStrings}} AllStrings */

/** @type {BoardStrings} */
const en = {
  kinds: { info: 'Minor', low: 'Minor', medium: 'Notice', high: 'Urgent', veto: 'Critical item', critical: 'DANGER' },
  title: 'Live board', live: 'Live', ended: 'Ended', feed: 'Feed', filter: 'Filter by agent, queue, words',
  severity: 'At least', all: 'All', count: (n, of) => (n === of ? `${of} calls` : `${n} of ${of} calls`),
  none: 'No calls right now', noMatch: 'No call matches', noAlerts: 'No alerts yet',
  suggested: 'Suggested', calm: 'Calm', close: 'Close', open: (call) => `Open call ${call}`,
  held: 'Order paused while you point at the list', loading: 'Loading…', detail: 'Call detail', last: 'Last words',
}

/** @param {string|null|undefined} lang @returns {BoardStrings} */
export const boardStringsFor = (lang) => (lang?.toLowerCase().startsWith('en') ? en : zh)
