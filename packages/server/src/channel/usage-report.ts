import type { KeyState } from '@keyhaven/keys'
import type { HourUsage, InstallationCount } from './usage-store.ts'

/** What the report knows of a key. */
export interface ReportedKey {
  /** UUID. */
  readonly id: string
  readonly keyId: number
  readonly state: KeyState
  readonly lastUsedAt: number | null
}

export interface VersionInstallations {
  readonly appVersion: string
  readonly installations: number
}

export interface KeyVerdict {
  /** Whether revoking the key now breaks no client that called in the window. */
  readonly safe: boolean
  readonly installations: number
  readonly byAppVersion: readonly VersionInstallations[]
  readonly text: string
}

export interface KeyUsage extends ReportedKey {
  readonly requests: number
  /** 0 to 1. */
  readonly requestShare: number
  readonly installations: number
  readonly installationShare: number
  readonly byAppVersion: ReadonlyArray<VersionInstallations & { readonly requests: number }>
  readonly verdict: KeyVerdict
}

export interface UsageReport {
  readonly requests: number
  readonly installations: number
  /** At most so many called and are not among them: too many new ones came within an hour. */
  readonly installationsLeftOut: number
  readonly keys: readonly KeyUsage[]
}

/** How many versions a verdict's text names. */
const MAX_NAMED_VERSIONS = 5

/** Who uses which key, and who would break if it were revoked. */
export function reportUsage(
  keys: readonly ReportedKey[],
  hours: readonly HourUsage[],
  lastCalls: readonly InstallationCount[],
  installationsLeftOut = 0,
): UsageReport {
  const requests = sum(hours, (hour) => hour.requests)
  const installations = sum(lastCalls, (call) => call.installations)
  return {
    requests,
    installations,
    installationsLeftOut,
    keys: keys.map((key) => {
      const keyHours = hours.filter((hour) => hour.keyUuid === key.id)
      const keyCalls = lastCalls.filter((call) => call.keyUuid === key.id)
      const keyRequests = sum(keyHours, (hour) => hour.requests)
      const keyInstallations = sum(keyCalls, (call) => call.installations)
      return {
        ...key,
        requests: keyRequests,
        requestShare: share(keyRequests, requests),
        installations: keyInstallations,
        installationShare: share(keyInstallations, installations),
        byAppVersion: usageByVersion(keyHours, keyCalls),
        verdict: verdictOf(key, keys, keyHours, lastCalls, installationsLeftOut),
      }
    }),
  }
}

function verdictOf(
  key: ReportedKey,
  keys: readonly ReportedKey[],
  keyHours: readonly HourUsage[],
  lastCalls: readonly InstallationCount[],
  installationsLeftOut: number,
): KeyVerdict {
  if (key.state === 'revoked') return verdict(true, [], 'This key is revoked already.')
  // Manifest clients move to another key by themselves, if there is one to move to.
  const stays = keys.some((other) => other.id !== key.id && other.state === 'active')
  const broken = stays
    ? lastCalls.filter((call) => call.keyUuid === key.id && call.trust === 'pinned')
    : lastCalls
  const byAppVersion = installationsByVersion(broken)
  const leftOutText =
    `Up to ${installationsLeftOut} more were left out of the count, because too many ` +
    'new ones came within an hour.'
  const count = sum(broken, (call) => call.installations)
  if (!stays && key.state !== 'pending') {
    return verdict(false, byAppVersion, 'No other key is active: add one before you revoke this one.')
  }
  if (count > 0) {
    const text =
      `${count} ${count === 1 ? 'installation pins' : 'installations pin'} this key and would ` +
      `break: ${named(byAppVersion)}.`
    return verdict(false, byAppVersion, installationsLeftOut > 0 ? `${text} ${leftOutText}` : text)
  }
  // Whoever was left out may have called with this key, if anybody did.
  if (installationsLeftOut > 0 && keyHours.length > 0) {
    return verdict(false, [], `${leftOutText} It is not known whether they would break.`)
  }
  const unnamed = sum(keyHours, (hour) => (hour.appVersion === '' ? hour.requests : 0))
  if (unnamed > 0) {
    const text =
      `${unnamed} requests came from clients that do not say who they are, so it is not known ` +
      'what would break.'
    return verdict(false, [], text)
  }
  return verdict(true, [], 'No installation that called in this time would break.')
}

function verdict(safe: boolean, byAppVersion: readonly VersionInstallations[], text: string): KeyVerdict {
  return { safe, installations: sum(byAppVersion, (version) => version.installations), byAppVersion, text }
}

function named(versions: readonly VersionInstallations[]): string {
  const names = versions
    .slice(0, MAX_NAMED_VERSIONS)
    .map(({ appVersion, installations }) => `${installations} of version ${appVersion}`)
  const more = versions.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more versions` : names.join(', ')
}

/** Most installations first. */
function installationsByVersion(calls: readonly InstallationCount[]): VersionInstallations[] {
  const versions = new Map<string, number>()
  for (const { appVersion, installations } of calls) {
    versions.set(appVersion, (versions.get(appVersion) ?? 0) + installations)
  }
  return [...versions]
    .map(([appVersion, installations]) => ({ appVersion, installations }))
    .sort((a, b) => b.installations - a.installations || a.appVersion.localeCompare(b.appVersion))
}

function usageByVersion(
  hours: readonly HourUsage[],
  calls: readonly InstallationCount[],
): KeyUsage['byAppVersion'] {
  const requests = new Map<string, number>()
  for (const hour of hours)
    requests.set(hour.appVersion, (requests.get(hour.appVersion) ?? 0) + hour.requests)
  const installations = new Map(installationsByVersion(calls).map((v) => [v.appVersion, v.installations]))
  return [...new Set([...requests.keys(), ...installations.keys()])]
    .map((appVersion) => ({
      appVersion,
      requests: requests.get(appVersion) ?? 0,
      installations: installations.get(appVersion) ?? 0,
    }))
    .sort((a, b) => b.requests - a.requests || a.appVersion.localeCompare(b.appVersion))
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
