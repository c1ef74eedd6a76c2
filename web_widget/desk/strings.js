/** Words of the rule desk, Chinese first. */

const zh = {
  title: '规则台', colon: '：', rules: '规则表现', find: '按规则、名称、类别筛选', none: '还没有数据',
  columns: { title: '规则', category: '类别', hits: '命中', shown: '弹出', adoption: '采用率', override: '否定率', said: '照着说' },
  hints: { adoption: '采用和照着说，占弹出的比例', override: '忽略和不对，占弹出的比例' },
  files: '规则文件', file: '文件', draft: '草稿名', text: '规则文本', changed: '已修改', reset: '撤销修改',
  checking: '正在检查…', good: '检查通过，自带测试都过了', bad: (/** @type {number} */ n) => `有 ${n} 处问题`, at: (/** @type {number} */ line, /** @type {number} */ column) => `第 ${line} 行第 ${column} 列`, warning: '提醒',
  trial: '试跑', trialCalls: '试跑哪些通话（编号，逗号分开；留空用门槛录音）', trying: '正在试跑…',
  result: (/** @type {number} */ more, /** @type {number} */ less, /** @type {string} */ before, /** @type {string} */ after) => `多出 ${more} 张，少了 ${less} 张；每坐席小时 ${before} → ${after} 张`,
  appear: '多出的', vanish: '少掉的', publish: '发布', published: (/** @type {number} */ v) => `已发布第 ${v} 版，新接通的电话开始使用`, publishing: '正在过门槛并发布…',
  versions: '版本', current: '使用中', rollback: '退回上一版', rolled: (/** @type {number} */ v) => `已退回第 ${v} 版`, base: '出厂', by: '由', sure: '确定退回？再点一次',
  what: { publish: '发布', rollback: '退回' }, noDesk: '这台服务器的规则不能在这里改',
  form: '表单', asText: '文本', views: '怎样编辑', rule: '规则', noRules: '这个文件里没有规则', newRule: '新建规则', newTitle: '新规则的名称', newCategory: '新规则的类别', ruleId: '编号（小写英文，用点分开）', firstPhrase: '先写一句客户或坐席的话', add: '加进文件', remove: '删除这条规则', removeSure: '确定删除？再点一次', slots: '插入变量', list: (/** @type {string} */ name) => `词表 @${name}`,
  notPlain: '这条规则的触发条件由几部分组成，表单里只能改其余部分；条件请在文本里改。',
  fields: {
    title: '名称', category: '类别', severity: '级别', role: '谁说的', tier: '客户等级', brand: '品牌', queue: '队列',
    phrases: '触发的说法', except: '例外的说法', suggestion: '给坐席的建议', brands: '各品牌的说法', fires: '应当命中', silent: '不应命中',
  },
  fieldHints: {
    phrases: '一行一个；(甲|乙) 二选一，<4> 隔至多四个字，@词表', except: '一行一个：和这些重叠就不算', tier: '逗号分开，留空为全部', brand: '逗号分开，留空为全部',
    queue: '逗号分开，留空为全部', brands: '一行一个：品牌 = 说法', fires: '一行一句', silent: '一行一句，尽量写容易弄混的',
  },
  severities: { info: '提示', low: '低', medium: '中', high: '高', veto: '一票否决', critical: '危险' },
  roles: { customer: '客户', agent: '坐席', any: '任何一方' },
}

/** @typedef {typeof zh} DeskStrings */

/** @type {DeskStrings} */
const en = {
  title: 'Rule desk', colon: ': ', rules: 'How the rules do', find: 'Filter by rule, name, category', none: 'Nothing yet',
  columns: { title: 'Rule', category: 'Category', hits: 'Hits', shown: 'Shown', adoption: 'Adoption', override: 'Override', said: 'Said' },
  hints: { adoption: 'used or said, of those shown', override: 'dismissed or wrong, of those shown' },
  files: 'Rule files', file: 'File', draft: 'Draft', text: 'Text of the rules', changed: 'changed', reset: 'Undo changes',
  checking: 'Checking…', good: 'Good; its own tests pass', bad: (n) => `${n} problems`, at: (line, column) => `line ${line}, column ${column}`, warning: 'warning',
  trial: 'Try it', trialCalls: "On which calls (ids, commas between; empty: the gate's)", trying: 'Trying…',
  result: (more, less, before, after) => `${more} more, ${less} fewer; ${before} → ${after} cards an agent hour`,
  appear: 'More', vanish: 'Fewer', publish: 'Publish', published: (v) => `Version ${v} is in force for calls that begin now`, publishing: 'Through the gate…',
  versions: 'Versions', current: 'in force', rollback: 'Back to the one before', rolled: (v) => `Back at version ${v}`, base: 'as shipped', by: 'by', sure: 'Sure? Press again',
  what: { publish: 'published', rollback: 'taken back' }, noDesk: 'The rules of this server cannot be changed here',
  form: 'Form', asText: 'Text', views: 'How to edit', rule: 'Rule', noRules: 'There are no rules in this file', newRule: 'New rule', newTitle: 'Title of the new rule', newCategory: 'Category of the new rule', ruleId: 'Id (lower case, dots between)', firstPhrase: 'First phrase it fires on', add: 'Add to the file', remove: 'Remove this rule', removeSure: 'Sure? Press again', slots: 'Insert a slot', list: (name) => `List @${name}`,
  notPlain: "This rule's trigger has several parts. The form changes the rest; the trigger is changed in the text.",
  fields: {
    title: 'Title', category: 'Category', severity: 'Severity', role: 'Who speaks', tier: 'Tiers', brand: 'Brands', queue: 'Queues',
    phrases: 'Phrases', except: 'Exceptions', suggestion: 'Suggestion for the agent', brands: 'Variants by brand', fires: 'Must fire', silent: 'Must not fire',
  },
  fieldHints: {
    phrases: 'one a line; (a|b) either, <4> a gap of up to 4 characters, @list', except: 'one a line: what overlaps with these is no hit', tier: 'commas between; empty: all', brand: 'commas between; empty: all',
    queue: 'commas between; empty: all', brands: 'one a line: brand = sentence', fires: 'one sentence a line', silent: 'one a line; near misses are the most useful',
  },
  severities: { info: 'Info', low: 'Low', medium: 'Medium', high: 'High', veto: 'Veto', critical: 'Danger' },
  roles: { customer: 'Customer', agent: 'Agent', any: 'Anybody' },
}

/** @param {string} lang @returns {DeskStrings} */
export const deskStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
