/** What people type in the fields of a rule, and where a problem belongs. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { cardLength, fieldAt, textOf, valueOf } from '../../web_widget/client/rule-form.js'

test('every field comes back as it was shown', () => {
  const fields = {
    title: '客户要投诉', phrases: ['我要(投诉|举报)', '@soothe'], except: [], tier: ['gold', 'vip'], silent: ['我要投宿'],
    brands: { telecom: '您好 = 请讲', bank: '您好' },
  }
  for (const [name, value] of Object.entries(fields)) assert.deepEqual(valueOf(name, textOf(name, value)), value, name)
})

test('blank lines, full-width commas and half a brand are nobody’s words', () => {
  assert.deepEqual(valueOf('phrases', ' 甲 \n\n乙，丙\n'), ['甲', '乙，丙'])
  assert.deepEqual(valueOf('tier', 'gold，vip、,'), ['gold', 'vip'])
  assert.deepEqual(valueOf('brands', '甲＝你好\n= 没有名字\n乙'), { 甲: '你好' })
})

test('slots do not count towards the length of a card, other characters count once', () => {
  assert.equal(cardLength('您好，{company}𠮷。'), 5)
})

test('a problem belongs to the smallest field that has its line', () => {
  const rule = /** @type {any} */ ({ lines: { rule: [3, 20], phrases: [8, 12], suggestion: [13, 13], brands: [13, 15] } })
  assert.equal(fieldAt(rule, 9), 'phrases')
  assert.equal(fieldAt(rule, 13), 'suggestion')
  assert.equal(fieldAt(rule, 18), 'rule')
  assert.equal(fieldAt(rule, 21), '')
})
