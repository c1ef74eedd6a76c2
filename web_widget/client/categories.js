/** The labels that packs use, with names for people. */

/** @type {Record<string, [string, string]>} Chinese, English */
const NAMES = {
  'agent.forbidden': ['服务禁语', 'Forbidden words'], 'agent.catchphrase': ['口头禅', 'Catchphrase'],
  'agent.missing_opening': ['没有开场', 'No opening'], 'agent.missing_closing': ['没有结束语', 'No closing'],
  'agent.missing_empathy': ['没有安抚', 'No empathy'], 'agent.promise': ['承诺', 'Promise'],
  'agent.rate': ['语速', 'Rate'], 'agent.interruption': ['打断', 'Interruption'],
  'agent.silence': ['沉默', 'Silence'], 'agent.volume': ['音量', 'Volume'],
  'customer.complaint': ['投诉', 'Complaint'], 'customer.escalation': ['升级', 'Escalation'],
  'customer.anger': ['愤怒', 'Anger'], 'customer.danger': ['危险', 'Danger'],
  'customer.churn': ['流失', 'Churn'], 'customer.repeat': ['重复来电', 'Repeat'],
  'customer.praise': ['表扬', 'Praise'],
}

export const CATEGORIES = Object.keys(NAMES)

/** @param {string} category @param {string} lang */
export const categoryName = (category, lang) => NAMES[category]?.[lang.startsWith('en') ? 1 : 0] ?? category
