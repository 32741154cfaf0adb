/** Who called, from inside the seal: nobody on the way can change it, but a client can invent it. */
export interface ClientClaims {
  readonly installationId: string
  readonly appVersion: string
  readonly sdkVersion: string
  readonly trust: 'manifest' | 'pinned'
}

/** One sealed call that was accepted. */
export interface UsageCall {
  readonly applicationId: string
  /** UUID. */
  readonly keyUuid: string
  /** Milliseconds. */
  readonly at: number
  readonly client?: ClientClaims | undefined
}

export interface HourCount {
  readonly applicationId: string
  readonly hour: number
  readonly keyUuid: string
  readonly appVersion: string
  requests: number
}

export interface LastCall extends ClientClaims {
  readonly applicationId: string
  readonly keyUuid: string
  readonly at: number
}

/**
 * Installations of one application and hour that could not be kept apart; one that calls again may count
 * again.
 */
export interface LeftOut {
  readonly applicationId: string
  readonly hour: number
  installations: number
}

export interface UsageBatch {
  readonly hours: readonly HourCount[]
  /** In the order of each installation's first call. */
  readonly lastCalls: readonly LastCall[]
  readonly leftOut: readonly LeftOut[]
  /** The last use of each key, by its UUID. */
  readonly keys: ReadonlyMap<string, { readonly applicationId: string; readonly at: number }>
}

export const MS_PER_HOUR = 3_600_000
/**
 * App versions counted apart for one key in one hour. A client can invent versions: the rest is one bucket.
 */
export const MAX_VERSIONS_PER_HOUR = 200
/**
 * Counts by key, hour and version that wait to be written; with the bound above, keys enough for any server.
 */
const MAX_HOUR_COUNTS = 100_000
/** Installations kept between two flushes; what comes beyond is counted without its name, and as left out. */
const MAX_LAST_CALLS = 50_000
/** In the place of an app version that is too many. */
export const OTHER_VERSIONS = 'other'

/** The full hour that a time (ms) lies in. */
export function hourOf(at: number): number {
  return at - (at % MS_PER_HOUR)
}

export interface UsageCounter {
  count(call: UsageCall): void
  /** What was counted since the last time. */
  take(): UsageBatch
  /** Takes back what could not be written; within the same bounds. */
  putBack(batch: UsageBatch): void
}

/** Counts in memory: no call waits for a database. */
export function createUsageCounter(): UsageCounter {
  let hours = new Map<string, HourCount>()
  let lastCalls = new Map<string, LastCall>()
  let leftOut = new Map<string, LeftOut>()
  let keys = new Map<string, { applicationId: string; at: number }>()
  /** Of the present hour, over flushes: key → versions. */
  let versions = new Map<string, Set<string>>()
  let versionsHour = 0

  function versionBucket(keyUuid: string, hour: number, appVersion: string): string {
    if (hour !== versionsHour) {
      versions = new Map()
      versionsHour = hour
    }
    const known = versions.get(keyUuid) ?? new Set()
    versions.set(keyUuid, known)
    if (!known.has(appVersion)) {
      if (known.size >= MAX_VERSIONS_PER_HOUR) return OTHER_VERSIONS
      known.add(appVersion)
    }
    return appVersion
  }

  function addHour(row: HourCount): void {
    const bucketKey = `${row.keyUuid} ${row.hour} ${row.appVersion}`
    const bucket = hours.get(bucketKey)
    if (bucket) bucket.requests += row.requests
    else if (hours.size < MAX_HOUR_COUNTS) hours.set(bucketKey, row)
  }

  function addLastCall(call: LastCall): void {
    const installation = `${call.applicationId} ${call.installationId}`
    const known = lastCalls.get(installation)
    if (known === undefined && lastCalls.size >= MAX_LAST_CALLS) {
      addLeftOut({ applicationId: call.applicationId, hour: hourOf(call.at), installations: 1 })
    } else if (known === undefined || known.at <= call.at) lastCalls.set(installation, call)
  }

  function addLeftOut(row: LeftOut): void {
    const bucketKey = `${row.applicationId} ${row.hour}`
    const bucket = leftOut.get(bucketKey)
    if (bucket) bucket.installations += row.installations
    else leftOut.set(bucketKey, { ...row })
  }

  function addKeyUse(keyUuid: string, applicationId: string, at: number): void {
    const key = keys.get(keyUuid)
    if (key) key.at = Math.max(key.at, at)
    else keys.set(keyUuid, { applicationId, at })
  }

  return {
    count({ applicationId, keyUuid, at, client }) {
      const hour = hourOf(at)
      const appVersion = versionBucket(keyUuid, hour, client?.appVersion ?? '')
      addHour({ applicationId, hour, keyUuid, appVersion, requests: 1 })
      addKeyUse(keyUuid, applicationId, at)
      if (client) {
        addLastCall({ ...client, applicationId, keyUuid, at })
      }
    },
    take() {
      const batch = {
        hours: [...hours.values()],
        lastCalls: [...lastCalls.values()],
        leftOut: [...leftOut.values()],
        keys,
      }
      hours = new Map()
      lastCalls = new Map()
      leftOut = new Map()
      keys = new Map()
      return batch
    },
    putBack(batch) {
      for (const row of batch.hours) addHour(row)
      for (const call of batch.lastCalls) addLastCall(call)
      for (const row of batch.leftOut) addLeftOut(row)
      for (const [keyUuid, { applicationId, at }] of batch.keys) addKeyUse(keyUuid, applicationId, at)
    },
  }
}
