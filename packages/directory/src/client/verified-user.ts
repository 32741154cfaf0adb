import { type ErrorCode, KeyhavenError } from '@keyhaven/crypto'
import { PROFILES, type ProfileName } from '../chain/profile.ts'
import type { DeviceState, DeviceStatus, UserState } from '../chain/user-state.ts'
import type { RememberedCheckpoint, VerifiedDevice, VerifiedUser } from './directory-client.ts'
import type { StatementVerdict } from './judge-statements.ts'

const STATUS_CODES: Readonly<Record<Exclude<DeviceStatus, 'valid'>, ErrorCode>> = {
  expired: 'KEY_EXPIRED',
  'not-yet-valid': 'KEY_NOT_YET_VALID',
  revoked: 'DEVICE_REVOKED',
}

export interface DeviceJudgement {
  /** Profiles that are good enough. */
  readonly profiles: ReadonlySet<ProfileName>
  /** By device id. */
  readonly statements: ReadonlyMap<string, StatementVerdict>
}

/** What a state means for who wants to write to this user now. One bad device does not hide the others. */
export function verifiedUser(
  state: UserState,
  checkpoint: RememberedCheckpoint,
  judgement: DeviceJudgement,
): VerifiedUser {
  const devices: VerifiedDevice[] = []
  const refused: { device: string; code: ErrorCode }[] = []
  for (const device of state.devices) {
    const verdict = judge(device, state.at, judgement)
    if (typeof verdict === 'string') refused.push({ device: device.device, code: verdict })
    else devices.push(verdict)
  }
  if (state.head === null) throw new KeyhavenError('CHAIN_BROKEN', 'the user has no entry')
  return {
    username: state.username,
    chain: state.chain,
    sequence: state.sequence,
    head: state.head,
    devices,
    refused,
    ...(state.recovery && { recovery: state.recovery }),
    checkpoint,
  }
}

function judge(
  { device, status, record }: DeviceState,
  now: number,
  { profiles, statements }: DeviceJudgement,
): VerifiedDevice | ErrorCode {
  if (status !== 'valid') return STATUS_CODES[status]
  if (!profiles.has(record.profile)) return 'SUITE_REFUSED'
  const encryption = encryptionOf(record, statements.get(device), now)
  if (typeof encryption === 'string') return encryption
  return {
    device,
    name: record.name,
    profile: record.profile,
    entry: record.entry,
    signingKey: { algorithm: PROFILES[record.profile].algorithm, jwk: record.signingKey },
    encryption,
    since: record.issued,
  }
}

/** The key of the newest statement; before there is one, that of the record itself. */
function encryptionOf(
  record: DeviceState['record'],
  statement: StatementVerdict | undefined,
  now: number,
): VerifiedDevice['encryption'] | ErrorCode {
  if (statement !== undefined && 'refused' in statement) return statement.refused
  if (statement !== undefined) {
    return { jwk: statement.key, thumbprint: statement.thumbprint, expires: statement.expires }
  }
  if (record.encryptionExpires <= now) return 'KEY_EXPIRED'
  return {
    jwk: record.encryptionKey,
    thumbprint: record.encryptionThumbprint,
    expires: record.encryptionExpires,
  }
}
