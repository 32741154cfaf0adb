import { type CryptoBackend, jwkThumbprint, KeyhavenError } from '@keyhaven/crypto'
import { checkSignature } from './chain-jws.ts'
import { type DeviceKeyRequest, verifyDeviceKeyRequest } from './device-key-request.ts'
import type { DecodedEntry, DeviceEntry } from './entry.ts'
import {
  type AuthorityKey,
  type EntryTime,
  requireFullSay,
  requireInForce,
  resolveSigner,
} from './entry-authority.ts'
import { awaitsFirstDevice, breaks, type Ledger, type LedgerDevice, liveDevices } from './ledger.ts'
import { isLegacyProof } from './legacy-signer.ts'
import {
  MAX_ENCRYPTION_KEY_LIFETIME_SECONDS,
  MAX_LIVE_DEVICES,
  MAX_NOT_BEFORE_AHEAD_SECONDS,
  MAX_RENEWAL_GRACE_SECONDS,
  MAX_REQUEST_AGE_SECONDS,
} from './limits.ts'
import { profileOf } from './profile.ts'
import type { DeviceRecord, EntrySigner } from './user-state.ts'

/** Records a device: the first of a chain, one more, or new keys of one. Throws as `extendChain`. */
export async function applyDevice(
  backend: CryptoBackend,
  ledger: Ledger,
  decoded: DecodedEntry & { readonly entry: DeviceEntry },
  context: { readonly hash: string; readonly authority: AuthorityKey; readonly time: EntryTime },
): Promise<EntrySigner> {
  const { entry } = decoded
  const request = await verifyDeviceKeyRequest(backend, entry.request, ledger)
  checkRequestTimes(request, entry.issued)
  const keys = await freshKeys(backend, ledger, request)
  const known = ledger.devices.get(request.device)
  const approvedBy = awaitsFirstDevice(ledger)
    ? await checkFirst(backend, decoded, request, keys.signing)
    : known
      ? await checkRenewal(backend, ledger, decoded, { ...context, request, known })
      : await checkApproval(backend, ledger, decoded, context)
  if (!known && ledger.former.some((device) => device.device === request.device))
    breaks('a device id of an ended chain')
  const record = recordOf(entry, request, { ...keys, hash: context.hash, approvedBy })
  ledger.devices.set(request.device, {
    ...(known ?? { device: request.device, chain: entry.chain, since: entry.issued }),
    record,
    earlier: known ? [...known.earlier, known.record] : [],
  })
  for (const key of Object.values(keys)) if (key !== undefined) ledger.usedKeys.add(key)
  return { kind: 'device', device: approvedBy }
}

async function checkFirst(
  backend: CryptoBackend,
  { kid, jws, entry }: DecodedEntry & { readonly entry: DeviceEntry },
  request: DeviceKeyRequest,
  thumbprint: string,
): Promise<string> {
  if (kid !== thumbprint) breaks('a chain starts with a device that signs its own entry')
  if (entry.legacyProof !== undefined) throw misplacedProof()
  const { algorithm } = profileOf(request.profile)
  await checkSignature(backend, { algorithm, jwk: request.signingKey }, jws)
  return request.device
}

async function checkApproval(
  backend: CryptoBackend,
  ledger: Ledger,
  { kid, jws, entry }: DecodedEntry & { readonly entry: DeviceEntry },
  { authority, time }: { readonly authority: AuthorityKey; readonly time: EntryTime },
): Promise<string> {
  const signer = resolveSigner(ledger, kid, authority, time)
  if (signer.kind !== 'device') return breaks('only a device of the user approves another')
  requireFullSay(signer.state, time)
  if (entry.legacyProof !== undefined) throw misplacedProof()
  if (liveDevices(ledger, time.at).length >= MAX_LIVE_DEVICES)
    throw new KeyhavenError(
      'RECORD_INVALID',
      `a user has at most ${MAX_LIVE_DEVICES} devices: revoke one first`,
    )
  await checkSignature(backend, signer, jws)
  return signer.state.device
}

async function checkRenewal(
  backend: CryptoBackend,
  ledger: Ledger,
  { kid, jws, entry }: DecodedEntry & { readonly entry: DeviceEntry },
  context: {
    readonly authority: AuthorityKey
    readonly time: EntryTime
    readonly request: DeviceKeyRequest
    readonly known: LedgerDevice
  },
): Promise<string> {
  const { known, request, time } = context
  const signer = resolveSigner(ledger, kid, context.authority, time)
  if (signer.kind !== 'device' || signer.state !== known)
    breaks('new keys of a device are signed by its newest key')
  const { record, revocation } = known
  const old = profileOf(record.profile)
  if (revocation || time.at < record.expires) requireRenewable(known, time)
  if (time.at >= record.expires + MAX_RENEWAL_GRACE_SECONDS)
    throw new KeyhavenError('KEY_EXPIRED', 'the key expired too long ago to be renewed')
  if (profileOf(request.profile).rank < old.rank)
    throw new KeyhavenError('SUITE_REFUSED', 'a profile goes up, never down')
  if ((entry.legacyProof !== undefined) !== old.legacy) throw misplacedProof()
  await checkSignature(backend, signer, jws)
  if (entry.legacyProof !== undefined) {
    const valid = await isLegacyProof(backend, record.signingKey, request.signingKey, entry.legacyProof)
    if (!valid) throw new KeyhavenError('RECORD_INVALID', 'the legacy proof is not valid')
  }
  return known.device
}

/** Expiry is no obstacle within the grace time; revocation always is, a pending one not yet. */
function requireRenewable(device: LedgerDevice, time: EntryTime): void {
  const unexpiring = { ...device, record: { ...device.record, expires: Number.POSITIVE_INFINITY } }
  requireInForce(unexpiring, time)
}

/** A request is for now: an old one found somewhere is not taken up. */
function checkRequestTimes(request: DeviceKeyRequest, issued: number): void {
  if (request.expires <= issued) throw new KeyhavenError('KEY_EXPIRED', 'the device request has expired')
  if (request.notBefore < issued - MAX_REQUEST_AGE_SECONDS)
    throw new KeyhavenError('RECORD_INVALID', 'the device request is over a day old: make a new one')
  if (request.notBefore > issued + MAX_NOT_BEFORE_AHEAD_SECONDS)
    throw new KeyhavenError('KEY_NOT_YET_VALID', 'the device request lies too far ahead')
}

interface KeyThumbprints {
  readonly signing: string
  readonly request: string | undefined
  readonly encryption: string
}

async function freshKeys(
  backend: CryptoBackend,
  ledger: Ledger,
  { signingKey, requestKey, encryptionKey }: DeviceKeyRequest,
): Promise<KeyThumbprints> {
  const keys = {
    signing: await jwkThumbprint(backend, signingKey),
    request: requestKey && (await jwkThumbprint(backend, requestKey)),
    encryption: await jwkThumbprint(backend, encryptionKey),
  }
  for (const key of Object.values(keys)) {
    if (key !== undefined && ledger.usedKeys.has(key))
      throw new KeyhavenError('RECORD_INVALID', 'a key that the chain has had before')
  }
  return keys
}

function recordOf(
  entry: DeviceEntry,
  request: DeviceKeyRequest,
  known: KeyThumbprints & { readonly hash: string; readonly approvedBy: string },
): DeviceRecord {
  const { name, profile, signingKey, encryptionKey, notBefore, expires } = request
  const shortLived = profileOf(profile).encryption.kind === 'hpke'
  return {
    entry: known.hash,
    sequence: entry.sequence,
    issued: entry.issued,
    name,
    profile,
    signingKey,
    signingThumbprint: known.signing,
    requestKey: request.requestKey ?? signingKey,
    encryptionKey,
    encryptionThumbprint: known.encryption,
    notBefore,
    expires,
    encryptionExpires: shortLived
      ? Math.min(expires, notBefore + MAX_ENCRYPTION_KEY_LIFETIME_SECONDS)
      : expires,
    approvedBy: known.approvedBy,
  }
}

function misplacedProof(): KeyhavenError {
  return new KeyhavenError(
    'RECORD_INVALID',
    'a legacy proof belongs to the renewal of a legacy key, and only there',
  )
}
