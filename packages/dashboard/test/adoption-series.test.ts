import { describe, expect, test } from 'vitest'
import type { Usage, UsagePoint } from '../src/api/usage.ts'
import { adoptionSeries } from '../src/channel/adoption-series.ts'

function usage(from: string, to: string, series: UsagePoint[]): Usage {
  return { from, to, requests: 0, installations: 0, installationsLeftOut: 0, keys: [], series }
}

describe('adoption series', () => {
  test('has a row for every hour of a day, also where nothing happened', () => {
    const answer = usage('2026-01-01T00:30:00Z', '2026-01-02T00:30:00Z', [
      { hour: '2026-01-01T03:00:00Z', keyId: 1, appVersion: '1.0.0', requests: 5 },
    ])
    const { bands, rows } = adoptionSeries(answer, '24h', 'key')
    expect(bands).toEqual([{ name: 'band0', label: 'Key 1' }])
    expect(rows).toHaveLength(25)
    expect(rows[0]).toEqual({ at: '2026-01-01T00:00:00.000Z', requests: {} })
    expect(rows[3]).toEqual({ at: '2026-01-01T03:00:00.000Z', requests: { band0: 5 } })
  })

  test('adds hours up to six in a week and to days in a month', () => {
    const series = [1, 5, 7].map((hour) => ({
      hour: `2026-01-01T0${hour}:00:00Z`,
      keyId: 1,
      appVersion: '1',
      requests: 10,
    }))
    const answer = usage('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', series)
    expect(adoptionSeries(answer, '7d', 'key').rows.map((row) => row.requests)).toEqual([
      { band0: 20 },
      { band0: 10 },
      {},
      {},
    ])
    expect(adoptionSeries(answer, '30d', 'key').rows.map((row) => row.requests)).toEqual([{ band0: 30 }])
  })

  test('a dot in a version is no path into the row', () => {
    const answer = usage('2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', [
      { hour: '2026-01-01T00:00:00Z', keyId: 1, appVersion: '1.2.3', requests: 1 },
    ])
    const { bands, rows } = adoptionSeries(answer, '24h', 'version')
    expect(bands[0]).toEqual({ name: 'band0', label: '1.2.3' })
    expect(rows[0]?.requests).toEqual({ band0: 1 })
  })

  test('puts the busiest first and adds up what no longer can be told apart', () => {
    const series = Array.from({ length: 9 }, (_, index) => ({
      hour: '2026-01-01T00:00:00Z',
      keyId: 1,
      appVersion: `v${index}`,
      requests: index + 1,
    }))
    const answer = usage('2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', series)
    const { bands, rows } = adoptionSeries(answer, '24h', 'version')
    expect(bands.map((band) => band.label)).toEqual(['v8', 'v7', 'v6', 'v5', 'v4', 'v3', 'Others'])
    expect(rows[0]?.requests.band6).toBe(1 + 2 + 3)
  })
})
