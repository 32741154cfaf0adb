import type { ChainSigner } from '../chain/chain-signer.ts'
import { signDeviceKeyRequest } from '../chain/device-key-request.ts'
import { signEntry } from '../chain/entry.ts'
import { DEFAULT_RECORD_LIFETIME_SECONDS } from '../chain/limits.ts'
import { PROFILES } from '../chain/profile.ts'
import type { DirectoryIdentity, NewDevice } from './directory-client.ts'
import type { EntryPlace, SubmitOptions } from './submit-options.ts'

/** The request of a device to be recorded, signed by its own new key. */
export function deviceRequestOf(
  { backend, application, now }: Pick<SubmitOptions, 'backend' | 'application' | 'now'>,
  username: string,
  device: NewDevice,
): Promise<string> {
  const notBefore = device.notBefore ?? now()
  return signDeviceKeyRequest(backend, device.signer, {
    application,
    username,
    device: device.device,
    name: device.name,
    profile: device.profile,
    ...(PROFILES[device.profile].requestKey && { requestKey: device.requestKey.publicKey.jwk }),
    encryptionKey: device.encryptionKey,
    notBefore,
    expires: device.expires ?? notBefore + DEFAULT_RECORD_LIFETIME_SECONDS,
  })
}

/** The entry that records what a request asks for. @param signer - whoever may decide it. */
export function deviceEntryOf(
  { backend }: Pick<SubmitOptions, 'backend'>,
  place: EntryPlace,
  {
    signer,
    request,
    legacyProof,
  }: { signer: ChainSigner; request: string; legacyProof?: string | undefined },
): Promise<string> {
  const proof = legacyProof !== undefined && { legacyProof }
  return signEntry(backend, signer, { ...place, kind: 'device', request, ...proof })
}

/** Who a device is once it is recorded. */
export function identityOf(username: string, { device, signer, requestKey }: NewDevice): DirectoryIdentity {
  return { username, device, signer, requestKey }
}
