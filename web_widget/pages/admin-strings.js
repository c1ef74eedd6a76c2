/** Words of the admin page, Chinese first. */

const zh = {
  title: '管理', people: '账号', user: '用户名', name: '姓名', role: '身份', teams: '班组（逗号分开）', password: '密码', unchanged: '不改', active: '启用',
  roles: { agent: '坐席', lead: '班长', engineer: '工程师', admin: '管理员', ingest: '声音接入' },
  add: '添加账号', save: '保存', remove: '删除', sure: '确定？再点一次', saved: '已保存', badLine: '这一行看不懂，请写成“左边 = 右边”：',
  teamList: '班组', teamHint: '一行一个：班组 = 队列，队列。班长看得到本组队列的通话；* 表示所有队列。',
  extensions: '分机', extensionHint: '一行一个：分机 = 用户名。没有写明坐席的通话按分机归人。', queues: '队列', queueHint: '一行一个：队列 = 用户名。分机也查不到时按队列归人。',
}

/** @typedef {typeof zh} AdminStrings */

/** @type {AdminStrings} */
const en = {
  title: 'Admin', people: 'Accounts', user: 'User', name: 'Name', role: 'Role', teams: 'Teams (commas between)', password: 'Password', unchanged: 'unchanged', active: 'Active',
  roles: { agent: 'Agent', lead: 'Lead', engineer: 'Engineer', admin: 'Administrator', ingest: 'Audio in' },
  add: 'Add account', save: 'Save', remove: 'Delete', sure: 'Sure? Press again', saved: 'Saved', badLine: 'Write this line as “left = right”: ',
  teamList: 'Teams', teamHint: "One a line: team = queue, queue. A lead sees the calls of the own teams' queues; * is every queue.",
  extensions: 'Extensions', extensionHint: 'One a line: extension = user. Calls that name no agent go by their extension.', queues: 'Queues', queueHint: 'One a line: queue = user. The last resort when the extension is not known.',
}

/** @param {string} lang @returns {AdminStrings} */
export const adminStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
