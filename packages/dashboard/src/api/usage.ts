import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { callAdmin, segment } from './call-admin.ts'
import type { KeyState } from './e2e-keys.ts'

export type UsageWindow = '24h' | '7d' | '30d'

export interface VersionInstallations {
  readonly appVersion: string
  readonly installations: number
}

/** Whether a key may be revoked, and if not, which installations would break. */
export interface Verdict {
  readonly safe: boolean
  readonly installations: number
  readonly byAppVersion: readonly VersionInstallations[]
  readonly text: string
}

export interface KeyUsage {
  readonly id: string
  readonly keyId: number
  readonly state: KeyState
  readonly requests: number
  /** 0 to 1. */
  readonly requestShare: number
  readonly installations: number
  readonly installationShare: number
  readonly lastUsedAt: string | null
  readonly verdict: Verdict
}

/** Requests of one hour under one key by one version of the app. */
export interface UsagePoint {
  readonly hour: string
  readonly keyId: number
  readonly appVersion: string
  readonly requests: number
}

export interface Usage {
  readonly from: string
  readonly to: string
  readonly requests: number
  readonly installations: number
  /** At most so many called and are not counted, as too many new ones came within an hour. */
  readonly installationsLeftOut: number
  readonly keys: readonly KeyUsage[]
  readonly series: readonly UsagePoint[]
}

const REFRESH_MS = 30_000

export function useUsage(applicationId: string, window: UsageWindow) {
  return useQuery({
    queryKey: ['usage', applicationId, window],
    queryFn: () =>
      callAdmin<Usage>('GET', `/applications/${segment(applicationId)}/e2e-keys/usage`, undefined, {
        window,
      }),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })
}
