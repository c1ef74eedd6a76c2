/** Words of the bar, the sign-in page and the faults; Chinese first. */

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
  login: {
    title: '登录', user: '用户名', password: '密码', go: '登录', wait: '请稍候…',
    first: '第一位管理员', firstText: '这个链接只能用一次。继续后，请马上设一个密码。', next: '继续',
    setPassword: '设定密码', again: '再输一次', different: '两次输入不一样', short: '至少 8 个字符',
    save: '保存并进入', who: (/** @type {string} */ user) => `以后用用户名 ${user} 登录。`,
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
  login: {
    title: 'Sign in', user: 'User', password: 'Password', go: 'Sign in', wait: 'One moment…',
    first: 'The first administrator', firstText: 'This link works once. Set a password right after you continue.', next: 'Continue',
    setPassword: 'Set a password', again: 'Once more', different: 'The two are not the same', short: 'At least 8 characters',
    save: 'Save and go on', who: (user) => `From now on sign in as ${user}.`,
  },
}

/** @param {string|null|undefined} lang @returns {ShellStrings} */
export const shellStringsFor = (lang) => (lang?.startsWith('en') ? en : zh)
