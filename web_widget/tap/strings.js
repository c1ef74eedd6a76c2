/** Words of the page that takes in sound, Chinese first. */

const zh = {
  title: '接入声音', lead: '没有软电话接口时，用麦克风当坐席的声音，用放着网页电话的标签页当客户的声音。',
  agent: '坐席工号', queue: '队列', call: '通话编号', source: '声音来源', both: '麦克风（坐席）＋ 标签页（客户）', agentOnly: '只有麦克风，是坐席', customerOnly: '只有麦克风，是客户',
  start: '开始', stop: '结束通话', watch: '看坐席视图', levels: '音量', parties: { agent: '坐席', customer: '客户' },
  phases: { idle: '还没开始', starting: '正在打开声音…', live: '正在送出', waiting: '连接断开，正在重连；声音先存在这里', ended: '已结束', failed: '没有接上' },
  unsent: (/** @type {string} */ s) => `还有 ${s} 秒没送出`, lost: (/** @type {string} */ s) => `断开太久，丢了 ${s} 秒`,
  silent: (/** @type {string} */ who) => `${who}那边一直没有声音，请检查设备是否静音`,
  problems: {
    NotAllowedError: '浏览器没有获准使用声音。请点地址栏旁的图标允许麦克风，再试一次。',
    NotFoundError: '没有找到麦克风。请插上耳机，再试一次。',
    NotReadableError: '麦克风被别的程序占着。请关掉那个程序，再试一次。',
    OverconstrainedError: '这个麦克风不支持需要的格式。请换一个。',
    InvalidStateError: '请在页面可见时再试一次。',
    insecure: '浏览器只在 https 或本机地址上给出声音。请用 https 打开这个页面。',
    no_audio_track: '没有声音。分享标签页时请勾选“同时分享标签页中的音频”。',
    track_ended: '声音被停掉了：分享已结束，或设备被拔出。', suspended: '浏览器暂停了声音。请点一下页面。',
    no_worklet: '这个浏览器不能处理声音（AudioWorklet）。请换新一点的 Chrome、Edge 或 Firefox。',
    call_taken: '另一个页面正在送这通电话的声音。', call_ended: '这通电话已经结束，请换一个通话编号。', full: '服务器满了，正在等待。',
    forbidden: '当前身份不能送入声音。', unauthorized: '请先登录。',
  },
}

/** @typedef {typeof zh} TapStrings */

/** @type {TapStrings} */
const en = {
  title: 'Audio in', lead: 'Without access to the softphone: the microphone is the agent, a browser tab with the web phone is the customer.',
  agent: 'Agent', queue: 'Queue', call: 'Call id', source: 'Sound', both: 'Microphone (agent) and tab (customer)', agentOnly: 'Microphone only: the agent', customerOnly: 'Microphone only: the customer',
  start: 'Start', stop: 'End the call', watch: 'Watch the agent view', levels: 'Level', parties: { agent: 'Agent', customer: 'Customer' },
  phases: { idle: 'Not started', starting: 'Opening the sound…', live: 'Sending', waiting: 'Connection lost, trying again; sound is kept here', ended: 'Ended', failed: 'Did not work' },
  unsent: (s) => `${s} s not sent yet`, lost: (s) => `away too long, ${s} s are lost`,
  silent: (who) => `No sound from the ${who.toLowerCase()}; is the device muted?`,
  problems: {
    NotAllowedError: 'The browser may not use sound. Allow the microphone beside the address bar, then try again.',
    NotFoundError: 'There is no microphone. Plug one in, then try again.',
    NotReadableError: 'Another program holds the microphone. Close it, then try again.',
    OverconstrainedError: 'This microphone cannot give what is needed. Take another.',
    InvalidStateError: 'Try again while the page is visible.',
    insecure: 'Browsers give sound on https or this machine only. Open this page over https.',
    no_audio_track: 'There is no sound. When sharing a tab, tick "Also share tab audio".',
    track_ended: 'The sound was stopped: sharing ended, or the device is gone.', suspended: 'The browser paused the sound. Click on the page.',
    no_worklet: 'This browser cannot process sound (AudioWorklet). Use a newer Chrome, Edge or Firefox.',
    call_taken: 'Another page sends the sound of this call.', call_ended: 'This call has ended; take a new call id.', full: 'The server is full; waiting.',
    forbidden: 'Your role may not send sound.', unauthorized: 'Please sign in.',
  },
}

/** @param {string} lang @returns {TapStrings} */
export const tapStringsFor = (lang) => (lang.startsWith('en') ? en : zh)
