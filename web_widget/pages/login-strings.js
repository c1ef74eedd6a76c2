/** Words of the sign-in page, Chinese first. */

const zh = {
  title: '登录', user: '用户名', password: '密码', go: '登录', wait: '请稍候…',
  first: '第一位管理员', firstText: '这个链接只能用一次。继续后，请马上设一个密码。', next: '继续',
  setPassword: '设定密码', again: '再输一次', different: '两次输入不一样', short: '至少 8 个字符',
  save: '保存并进入', who: (/** @type {string} */ user) => `以后用用户名 ${user} 登录。`,
  provider: '用公司账号登录', problem: '没有登录成功，请再试一次；仍然不行，请联系管理员。',
}

/** @type {typeof zh} */
const en = {
  title: 'Sign in', user: 'User', password: 'Password', go: 'Sign in', wait: 'One moment…',
  first: 'The first administrator', firstText: 'This link works once. Set a password right after you continue.', next: 'Continue',
  setPassword: 'Set a password', again: 'Once more', different: 'The two are not the same', short: 'At least 8 characters',
  save: 'Save and go on', who: (user) => `From now on sign in as ${user}.`,
  provider: 'Sign in with your organisation', problem: 'That did not work. Try again, or ask your administrator.',
}

/** @param {string} lang */
export const loginStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
