import { expect, test } from 'vitest'
import { adviceOn, adviceOnReceiving } from '../src/messenger/advice.ts'

test('a message that breaks the rules has an advice of its own: not about a device to be enrolled anew', () => {
  expect(adviceOn('RECORD_INVALID')).toContain('enrols it anew')
  const advice = adviceOnReceiving('RECORD_INVALID')
  expect(advice).toContain('Do not rely on this message')
  expect(advice).not.toContain('enrol')
})

test('a message for somebody else is told without alarm, and without trust', () => {
  expect(adviceOnReceiving('SIGNATURE_INVALID')).toMatch(
    /^The message is for somebody else, .*Do not rely on it/,
  )
})

test('a sender that was revoked stays a warning', () => {
  expect(adviceOnReceiving('SENDER_REVOKED')).toContain('Do not trust this message')
})
