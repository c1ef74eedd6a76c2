/** Words of the rule desk, Chinese first. */

const zh = {
  title: '规则台', rules: '规则表现', find: '按规则、名称、类别筛选', none: '还没有数据',
  columns: { title: '规则', category: '类别', hits: '命中', shown: '弹出', adoption: '采用率', override: '否定率', said: '照着说' },
  hints: { adoption: '采用和照着说，占弹出的比例', override: '忽略和不对，占弹出的比例' },
  files: '规则文件', file: '文件', draft: '草稿名', text: '规则文本', changed: '已修改', reset: '撤销修改',
  checking: '正在检查…', good: '检查通过，自带测试都过了', bad: (/** @type {number} */ n) => `有 ${n} 处问题`, at: (/** @type {number} */ line) => `第 ${line} 行`, warning: '提醒',
  trial: '试跑', trialCalls: '试跑哪些通话（编号，逗号分开；留空用门槛录音）', trying: '正在试跑…',
  result: (/** @type {number} */ more, /** @type {number} */ less, /** @type {string} */ before, /** @type {string} */ after) => `多出 ${more} 张，少了 ${less} 张；每坐席小时 ${before} → ${after} 张`,
  appear: '多出的', vanish: '少掉的', publish: '发布', published: (/** @type {number} */ v) => `已发布第 ${v} 版，新接通的电话开始使用`, publishing: '正在过门槛并发布…',
  versions: '版本', current: '使用中', rollback: '退回上一版', rolled: (/** @type {number} */ v) => `已退回第 ${v} 版`, base: '出厂', by: '由', sure: '确定退回？再点一次',
  what: { publish: '发布', rollback: '退回' }, noDesk: '这台服务器的规则不能在这里改',
}

/** @typedef {typeof zh} DeskStrings */

/** @type {DeskStrings} */
const en = {
  title: 'Rule desk', rules: 'How the rules do', find: 'Filter by rule, name, category', none: 'Nothing yet',
  columns: { title: 'Rule', category: 'Category', hits: 'Hits', shown: 'Shown', adoption: 'Adoption', override: 'Override', said: 'Said' },
  hints: { adoption: 'used or said, of those shown', override: 'dismissed or wrong, of those shown' },
  files: 'Rule files', file: 'File', draft: 'Draft', text: 'Text of the rules', changed: 'changed', reset: 'Undo changes',
  checking: 'Checking…', good: 'Good; its own tests pass', bad: (n) => `${n} problems`, at: (line) => `line ${line}`, warning: 'warning',
  trial: 'Try it', trialCalls: 'On which calls (ids, commas between; empty: the gate’s)', trying: 'Trying…',
  result: (more, less, before, after) => `${more} more, ${less} fewer; ${before} → ${after} cards an agent hour`,
  appear: 'More', vanish: 'Fewer', publish: 'Publish', published: (v) => `Version ${v} is in force for calls that begin now`, publishing: 'Through the gate…',
  versions: 'Versions', current: 'in force', rollback: 'Back to the one before', rolled: (v) => `Back at version ${v}`, base: 'as shipped', by: 'by', sure: 'Sure? Press again',
  what: { publish: 'published', rollback: 'taken back' }, noDesk: 'The rules of this server cannot be changed here',
}

/** @param {string} lang @returns {DeskStrings} */
export const deskStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
