/** Words of the bar and the faults; Chinese first. */

const zh = {
  nav: {
    label: '页面', brand: '听伴', agent: '坐席', board: '看板', calls: '历史通话', desk: '规则台', tap: '接入声音',
    admin: '管理', out: '退出', other: 'English',
  },
  faults: {
    unreachable: '连不上服务器，请稍后再试', unauthorized: '请先登录', forbidden: '当前身份没有这项权限',
    wrong_password: '用户名或密码不对', too_many_tries: '试得太多了，请稍等再试', wrong_link: '这个链接无效或已用过',
    not_first: '管理员已经建好了，请直接登录', not_found: '没有找到', no_call: '没有这通电话', not_kept: '这台服务器不保存通话', archive_away: '历史记录暂时读不到，请稍后再试', other: '没有成功：',
  },
}

/** @typedef {typeof zh} ShellStrings */

/** @type {ShellStrings} */
const en = {
  nav: {
    label: 'Pages', brand: 'Tingban', agent: 'Agent', board: 'Board', calls: 'Past calls', desk: 'Rule desk', tap: 'Audio in',
    admin: 'Admin', out: 'Sign out', other: '中文',
  },
  faults: {
    unreachable: 'The server cannot be reached; try again in a moment', unauthorized: 'Please sign in', forbidden: 'Your role may not do this',
    wrong_password: 'User or password is wrong', too_many_tries: 'Too many tries; wait a moment', wrong_link: 'This link is not valid, or has been used',
    not_first: 'There is an administrator already; sign in', not_found: 'Not found', no_call: 'There is no such call', not_kept: 'This server keeps no calls', archive_away: 'The archive cannot be reached; try again', other: 'Did not work: ',
  },
}

/** @param {string|null|undefined} lang @returns {ShellStrings} */
export const shellStringsFor = (lang) => (lang?.startsWith('en') ? en : zh)
