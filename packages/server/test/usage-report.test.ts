import { describe, expect, test } from 'vitest'
import {
  createUsageCounter,
  MAX_VERSIONS_PER_HOUR,
  MS_PER_HOUR,
  OTHER_VERSIONS,
} from '../src/channel/usage-counter.ts'
import type { ReportedKey } from '../src/channel/usage-report.ts'
import { reportUsage } from '../src/channel/usage-report.ts'

const OLD: ReportedKey = { id: 'old', keyId: 1, state: 'retiring', lastUsedAt: 5 }
const NEW: ReportedKey = { id: 'new', keyId: 2, state: 'active', lastUsedAt: 6 }

function hour(keyUuid: string, appVersion: string, requests: number) {
  return { hour: 0, keyUuid, appVersion, requests }
}

function last(keyUuid: string, appVersion: string, trust: 'manifest' | 'pinned', installations: number) {
  return { keyUuid, appVersion, trust, installations }
}

describe('when is it safe to revoke', () => {
  test('not while installations that pin the key still call', () => {
    const report = reportUsage(
      [NEW, OLD],
      [hour('old', '1.0', 30), hour('new', '2.0', 70)],
      [last('old', '1.0', 'pinned', 3), last('old', '1.1', 'pinned', 1), last('new', '2.0', 'pinned', 4)],
    )
    expect(report.requests).toBe(100)
    expect(report.installations).toBe(8)
    const [fresh, old] = report.keys
    expect(old).toMatchObject({ requests: 30, requestShare: 0.3, installations: 4, installationShare: 0.5 })
    expect(old!.verdict).toEqual({
      safe: false,
      installations: 4,
      byAppVersion: [
        { appVersion: '1.0', installations: 3 },
        { appVersion: '1.1', installations: 1 },
      ],
      text: '4 installations pin this key and would break: 3 of version 1.0, 1 of version 1.1.',
    })
    expect(fresh!.byAppVersion).toEqual([{ appVersion: '2.0', requests: 70, installations: 4 }])
  })

  test('manifest clients move by themselves', () => {
    const { keys } = reportUsage([NEW, OLD], [hour('old', '1.0', 9)], [last('old', '1.0', 'manifest', 9)])
    expect(keys[1]!.verdict).toMatchObject({ safe: true, installations: 0 })
  })

  test('never the only active key: everybody would break', () => {
    const { keys } = reportUsage(
      [NEW, OLD],
      [],
      [last('old', '1.0', 'manifest', 2), last('new', '2', 'pinned', 1)],
    )
    expect(keys[0]!.verdict).toMatchObject({ safe: false, installations: 3 })
    expect(keys[0]!.verdict.text).toContain('add one before')
  })

  test('not known while clients do not say who they are', () => {
    const { keys } = reportUsage([NEW, OLD], [hour('old', '', 12)], [])
    expect(keys[1]!.verdict).toMatchObject({ safe: false, installations: 0 })
    expect(keys[1]!.verdict.text).toContain('12 requests')
  })

  test('not known while installations were left out; said also where some are known to break', () => {
    const leftOut =
      'Up to 700 more were left out of the count, because too many new ones came within an hour.'
    const manifest = [last('old', '1.0', 'manifest', 9)]
    const unknown = reportUsage([NEW, OLD], [hour('old', '1.0', 9)], manifest, 700)
    expect(unknown.installationsLeftOut).toBe(700)
    expect(unknown.keys[1]!.verdict).toMatchObject({
      safe: false,
      installations: 0,
      text: `${leftOut} It is not known whether they would break.`,
    })
    const pinned = [last('old', '1.0', 'pinned', 2)]
    const some = reportUsage([NEW, OLD], [hour('old', '1.0', 9)], pinned, 700)
    expect(some.keys[1]!.verdict).toMatchObject({ safe: false, installations: 2 })
    expect(some.keys[1]!.verdict.text).toContain(`2 of version 1.0. ${leftOut}`)
    // A key that nobody used is not theirs either.
    const unused = reportUsage([NEW, OLD], [hour('new', '1.0', 9)], [], 700)
    expect(unused.keys[1]!.verdict.safe).toBe(true)
  })

  test('nothing to break at a revoked or an unused key', () => {
    const revoked: ReportedKey = { ...OLD, state: 'revoked' }
    const pending: ReportedKey = { ...OLD, id: 'pending', state: 'pending' }
    const { keys } = reportUsage([NEW, revoked, pending], [], [])
    expect(keys[1]!.verdict.safe).toBe(true)
    expect(keys[2]!.verdict.safe).toBe(true)
    expect(keys[2]!.requestShare).toBe(0)
  })
})

describe('counting', () => {
  const client = { installationId: 'i', appVersion: '1', sdkVersion: '1', trust: 'manifest' as const }

  test('by key, hour and version; the last call of an installation', () => {
    const counter = createUsageCounter()
    const call = (keyUuid: string, at: number, installationId: string) =>
      counter.count({ applicationId: 'a', keyUuid, at, client: { ...client, installationId } })
    call('k1', 5, 'i1')
    call('k1', 6, 'i2')
    call('k2', MS_PER_HOUR + 7, 'i1')
    counter.count({ applicationId: 'a', keyUuid: 'k1', at: 8 })
    const batch = counter.take()
    expect(batch.hours).toEqual([
      { applicationId: 'a', hour: 0, keyUuid: 'k1', appVersion: '1', requests: 2 },
      { applicationId: 'a', hour: MS_PER_HOUR, keyUuid: 'k2', appVersion: '1', requests: 1 },
      { applicationId: 'a', hour: 0, keyUuid: 'k1', appVersion: '', requests: 1 },
    ])
    expect(batch.lastCalls.map(({ installationId, keyUuid, at }) => [installationId, keyUuid, at])).toEqual([
      ['i1', 'k2', MS_PER_HOUR + 7],
      ['i2', 'k1', 6],
    ])
    expect(batch.keys.get('k1')).toEqual({ applicationId: 'a', at: 8 })
    expect(counter.take()).toEqual({ hours: [], lastCalls: [], leftOut: [], keys: new Map() })
  })

  test('versions that a client invents end in one bucket, over flushes too', () => {
    const counter = createUsageCounter()
    let buckets = 0
    for (let i = 0; i < 3 * MAX_VERSIONS_PER_HOUR; i++) {
      counter.count({ applicationId: 'a', keyUuid: 'k', at: 1, client: { ...client, appVersion: `v${i}` } })
      if (i % 100 === 99) {
        const { hours } = counter.take()
        buckets += hours.filter((row) => row.appVersion !== OTHER_VERSIONS).length
      }
    }
    expect(buckets).toBe(MAX_VERSIONS_PER_HOUR)
  })

  test('installations beyond the bound are counted without their names', () => {
    const counter = createUsageCounter()
    for (let i = 0; i < 60_000; i++) {
      counter.count({
        applicationId: 'a',
        keyUuid: 'k',
        at: 1,
        client: { ...client, installationId: `i${i}` },
      })
    }
    const batch = counter.take()
    expect(batch.lastCalls).toHaveLength(50_000)
    expect(batch.leftOut).toEqual([{ applicationId: 'a', hour: 0, installations: 10_000 }])
    counter.putBack(batch)
    expect(counter.take()).toEqual(batch)
    expect(batch.hours[0]!.requests).toBe(60_000)
  })
})
