/** Words of the landing page, Chinese first. */

const zh = {
  title: '听伴', lead: '听着正在进行的通话，在坐席说话的同时给出下一句可以说的话。',
  agent: '坐席视图', agentText: '一位坐席看到的画面', agentId: '工号', open: '打开',
  board: '实时看板', boardText: '班组长看到的画面：所有通话，最需要帮助的在最上面',
  recordings: '演示录音', recordingsText: '用合成语音录制的双方电话。点击后按真实速度重放，就像软电话送来的一样。',
  replay: '重放', replaying: '已开始', replayFailed: '没有成功', noRecordings: '这台服务器没有开启演示录音。用 make demo 启动即可。',
  noticeTitle: '先说清楚', notice: '内置的演示识别器只用合成语音训练，只听得懂合成的客服普通话，听不懂真人。真实通话请用 paraformer-zh-streaming。',
  watch: '看坐席视图', live: '正在通话', docs: '嵌入说明',
}

/** @typedef {typeof zh} HomeStrings */

/** @type {HomeStrings} */
const en = {
  title: 'Tingban', lead: 'Listens to a live call and shows the agent what to say next, while the agent is still talking.',
  agent: 'Agent view', agentText: 'What one agent sees', agentId: 'Agent', open: 'Open',
  board: 'Live board', boardText: 'What a team lead sees: all calls, those who need help first',
  recordings: 'Demonstration recordings', recordingsText: 'Two-party telephone calls in synthesised speech. Replayed at their real pace, exactly as a softphone would send them.',
  replay: 'Replay', replaying: 'Started', replayFailed: 'Did not work', noRecordings: 'This server was started without demonstration recordings. make demo has them.',
  noticeTitle: 'To be clear', notice: 'The bundled demonstration recogniser was trained on synthesised speech only. It understands synthesised customer-service Mandarin, not people. For real calls use paraformer-zh-streaming.',
  watch: 'Watch the agent view', live: 'Live now', docs: 'How to embed',
}

/** @param {string|null|undefined} lang @returns {HomeStrings} */
export const homeStringsFor = (lang) => (lang?.toLowerCase().startsWith('en') ? en : zh)
