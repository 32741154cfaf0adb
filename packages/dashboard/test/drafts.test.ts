import { describe, expect, test } from 'vitest'
import type { E2eKey } from '../src/api/e2e-keys.ts'
import { checkDraft, draftToApplication, EMPTY_DRAFT } from '../src/applications/application-draft.ts'
import { idFromName, isApplicationId } from '../src/applications/application-id.ts'
import { ANY, draftToFilter } from '../src/audit/audit-filter-draft.ts'
import { describeDetail } from '../src/audit/describe-detail.ts'
import { formatShare } from '../src/channel/format-share.ts'
import { scheduleChanges } from '../src/channel/schedule-changes.ts'
import { isLocalUrl } from '../src/channel/use-server-url.ts'
import { checkConfirmation } from '../src/parts/confirmation.ts'
import { isoToMoment, momentToIso } from '../src/parts/local-moment.ts'
import { readProviderRefusal } from '../src/session/provider-refusal.ts'

const PRINT = 'A'.repeat(43)

describe('an application', () => {
  test('gets an id from its name', () => {
    expect(idFromName('  Crédit Äpp 2! ')).toBe('credit-app-2')
    expect(isApplicationId(idFromName('x'.repeat(200)))).toBe(true)
  })

  test('is refused with an id that no address can hold', () => {
    for (const id of ['', '-a', 'A', 'a b', 'a/b', 'x'.repeat(64)]) {
      expect(checkDraft({ ...EMPTY_DRAFT, id }).id, id).toBeDefined()
    }
  })

  test('with an offline root needs a thumbprint of the right length', () => {
    const draft = { ...EMPTY_DRAFT, id: 'a', root: 'offline' as const }
    expect(checkDraft(draft).thumbprint).toBeDefined()
    expect(
      checkDraft({ ...draft, thumbprint: PRINT, spareThumbprint: 'short' }).spareThumbprint,
    ).toBeDefined()
    expect(checkDraft({ ...draft, thumbprint: PRINT })).toEqual({})
    expect(draftToApplication({ ...draft, thumbprint: ` ${PRINT} ` }).rootThumbprints).toEqual([PRINT])
  })

  test('with an online root sends no thumbprint, even one typed before', () => {
    expect(draftToApplication({ ...EMPTY_DRAFT, id: 'a', thumbprint: PRINT })).toEqual({
      id: 'a',
      suite: 'x-wing',
    })
  })
})

describe('what cannot be undone', () => {
  const draft = { id: '1', reason: ' ', consent: false }
  const subject = { kind: 'key', id: '12' }
  test('needs the exact id, a reason, and consent where more is at stake', () => {
    expect(Object.keys(checkConfirmation(draft, subject, 'Tick this'))).toEqual(['id', 'reason', 'consent'])
    expect(checkConfirmation(draft, subject).id).toBe('Type 12, the id of this key')
    expect(checkConfirmation({ ...draft, id: ' 12 ', reason: 'leaked' }, subject)).toEqual({})
    expect(checkConfirmation({ id: '12', reason: 'leaked', consent: true }, subject, 'Tick this')).toEqual({})
  })
})

describe('a schedule', () => {
  const key = { state: 'pending', activateAt: '2026-05-01T10:00:30.123Z', endAt: null } as E2eKey
  test('sends only what changed', () => {
    const activate = isoToMoment(key.activateAt)
    expect(scheduleChanges(key, activate, '')).toEqual({})
    expect(scheduleChanges(key, activate, '2026-06-01T00:00')).toEqual({
      endAt: momentToIso('2026-06-01T00:00'),
    })
  })

  test('takes an end away with null', () => {
    const ending = { ...key, state: 'active', endAt: '2026-06-01T00:00:00.000Z' } as E2eKey
    expect(scheduleChanges(ending, '', '')).toEqual({ endAt: null })
  })
})

describe('the audit filter', () => {
  test('takes both days whole, in local time', () => {
    const { from, to } = draftToFilter({ ...ANY, fromDay: '2026-03-01', toDay: '2026-03-01' })
    expect(Date.parse(to) - Date.parse(from)).toBe(86_400_000 - 1)
    expect(new Date(from).getHours()).toBe(0)
  })

  test('does not send what can be no application id', () => {
    expect(draftToFilter({ ...ANY, applicationId: 'No Such' }).applicationId).toBe('')
    expect(draftToFilter({ ...ANY, applicationId: ' demo ' }).applicationId).toBe('demo')
  })
})

test('an entry of the audit log reads as a line', () => {
  expect(describeDetail({ reason: 'rotation', roles: ['admin', 'auditor'], none: null, in: { a: 1 } })).toBe(
    'reason: rotation, roles: admin, auditor, in: a: 1',
  )
  expect(describeDetail(null)).toBe('')
})

test('a share that is little never reads as nothing, nor one that is nearly all as all', () => {
  expect([0, 0.0001, 0.5, 0.123, 0.99999, 1].map(formatShare)).toEqual([
    '0 %',
    '< 0.1 %',
    '50 %',
    '12.3 %',
    '> 99.9 %',
    '100 %',
  ])
})

test('a moment goes to local time and back', () => {
  const iso = '2026-07-04T09:30:00.000Z'
  expect(momentToIso(isoToMoment(iso))).toBe(iso)
  expect(momentToIso('')).toBeUndefined()
  expect(momentToIso('nonsense')).toBeUndefined()
})

test('a refused sign-in is told in our words, whatever the address says', () => {
  expect(readProviderRefusal('')).toBeUndefined()
  expect(readProviderRefusal('?signInError=ACCESS_DENIED')?.title).toBe('You have no role here')
  const forged = readProviderRefusal('?signInError=Call+this+number')
  expect(forged?.title).toBe('The sign-in failed')
  expect(readProviderRefusal('?signInError=constructor')).toEqual(forged)
})

test('only an address of this very machine gets the hint', () => {
  for (const url of ['http://127.0.0.1:8787', 'http://localhost:1', 'https://[::1]:8787']) {
    expect(isLocalUrl(url), url).toBe(true)
  }
  for (const url of ['https://keys.example.com', 'http://127.example.com', '…']) {
    expect(isLocalUrl(url), url).toBe(false)
  }
})
