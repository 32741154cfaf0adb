import { expect, test } from 'vitest'
import { describeDetail } from '../src/audit/describe-detail.ts'

test('a detail is one line, without what is absent, with times as dates', () => {
  const detail = { activateAt: 1_795_225_036_564, endAt: null, keyId: 1, roles: ['admin', 'auditor'] }
  expect(describeDetail(detail)).toBe('activateAt: 2026-11-21T01:37:16.564Z, keyId: 1, roles: admin, auditor')
})
