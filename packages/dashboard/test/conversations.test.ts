import { describe, expect, test } from 'vitest'
import type { ConversationDetails } from '../src/api/conversations.ts'
import { describeAge, describeSpan } from '../src/conversations/describe-age.ts'
import { describeReadRule, describeRules } from '../src/conversations/describe-rules.ts'
import { downloadCommand } from '../src/conversations/export-command.ts'
import { checkExport, draftToExport, EMPTY_EXPORT } from '../src/conversations/export-draft.ts'
import { formatBytes } from '../src/parts/format-bytes.ts'

const NOW = Date.parse('2026-03-10T12:00:00Z')

describe('an age', () => {
  test('is told in its largest unit, rounded down', () => {
    expect(describeAge('2026-03-07T11:00:00Z', NOW)).toBe('3 days')
    expect(describeAge('2026-03-09T12:00:00Z', NOW)).toBe('1 day')
    expect(describeAge('2026-03-09T12:00:01Z', NOW)).toBe('23 hours')
    expect(describeAge('2026-03-10T11:58:59Z', NOW)).toBe('1 minute')
    expect(describeAge('2026-03-10T11:59:01Z', NOW)).toBe('Less than a minute')
  })

  test('is none when the server’s clock is ahead', () => {
    expect(describeAge('2026-03-10T12:05:00Z', NOW)).toBe('Less than a minute')
  })

  test('of a rule may be seconds', () => {
    expect(describeSpan(45)).toBe('45 seconds')
    expect(describeSpan(1)).toBe('1 second')
  })
})

describe('rules', () => {
  const rules = (changes: Partial<ConversationDetails>) =>
    describeRules({
      history: { members: 'all', devices: 'all' },
      rotation: { maxAge: null, maxMessages: null },
      retentionDays: null,
      ...changes,
    } as ConversationDetails)

  test('without a limit say what happens all the same', () => {
    expect(rules({})).toEqual({
      history: 'New members read everything from before. A member’s new device reads what its user may.',
      rotation: 'A new key when a member or device leaves.',
      retention: 'Keys and files are kept for ever.',
    })
  })

  test('with limits name each', () => {
    const described = rules({
      history: { members: Date.UTC(2026, 1, 3, 12) / 1_000, devices: 'joined' },
      rotation: { maxAge: 7_200, maxMessages: 10 },
      retentionDays: 1,
    })
    expect(described.history).toMatch(/since .*2026.*\. A member’s new device reads what is written after/)
    expect(described.rotation).toContain('after 2 hours, after 10 messages, and when')
    expect(described.retention).toContain('1 day later')
  })

  test('of a release that this page does not know are shown as they are', () => {
    expect(describeReadRule('history-all')).toBe('History rule: everything')
    expect(describeReadRule('toString')).toBe('toString')
  })
})

describe('an export', () => {
  test('needs a reason, and dates in order', () => {
    expect(Object.keys(checkExport(EMPTY_EXPORT))).toEqual(['reason'])
    const moment = '2026-03-01T10:00'
    expect(Object.keys(checkExport({ reason: 'order', from: moment, to: moment }))).toEqual(['to'])
    expect(checkExport({ reason: 'order', from: '', to: moment })).toEqual({})
  })

  test('names only the dates that were chosen', () => {
    expect(draftToExport({ reason: ' order ', from: '', to: '' })).toEqual({ reason: 'order' })
    const to = new Date('2026-03-01T10:00').toISOString()
    expect(draftToExport({ reason: 'order', from: '', to: '2026-03-01T10:00' })).toEqual({
      reason: 'order',
      to,
    })
  })

  test('is downloaded by a command that takes an id with a hyphen in front', () => {
    expect(downloadCommand('demo', '-conversation', '-export')).toMatch(/ -- demo -conversation -export$/)
  })
})

test('a size has its unit', () => {
  const sizes = [0, 999, 1_000, 1_500_000, 123_456_789, 9_900_000_000_000_000]
  expect(sizes.map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '1.5 MB',
    '123 MB',
    `${(9_900).toLocaleString()} TB`,
  ])
})
