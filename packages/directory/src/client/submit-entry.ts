import type { Jwk } from '@keyhaven/crypto'
import type { ChainSigner } from '../chain/chain-signer.ts'
import { verifyDeviceKeyRequest } from '../chain/device-key-request.ts'
import { recoveryEffective, revocationEffective } from '../chain/effective-time.ts'
import { signEncryptionKeyStatement } from '../chain/encryption-key-statement.ts'
import { signEntry } from '../chain/entry.ts'
import { MAX_ENCRYPTION_KEY_LIFETIME_SECONDS } from '../chain/limits.ts'
import type { EntrySigner } from '../chain/user-state.ts'
import { AcceptedEntries } from './accepted-entries.ts'
import { appendToOwnChain, type OwnEntry, requireOwnDevice } from './append-to-own-chain.ts'
import { deviceEntryOf, deviceRequestOf, identityOf } from './device-entry.ts'
import type { AcceptedEntry, NewDevice, RenewalOptions, SignUp } from './directory-client.ts'
import { registerFirstDevice } from './register-first-device.ts'
import { requireIdentity, type SubmitOptions } from './submit-options.ts'

/**
 * Adds entries to the own chain. Each one is signed on top of the chain as the log proves it, and counts as accepted
 * once the log proves that it is in it.
 */
export class EntrySubmitter {
  readonly #options: SubmitOptions
  readonly #accepted: AcceptedEntries

  constructor(options: SubmitOptions) {
    this.#options = options
    this.#accepted = new AcceptedEntries(options)
  }

  deviceRequest(username: string, device: NewDevice): Promise<string> {
    return deviceRequestOf(this.#options, username, device)
  }

  /** @throws KeyhavenError `CONFLICT` if the user has devices already: one of them approves this one. */
  register(username: string, device: NewDevice, signUp: SignUp): Promise<AcceptedEntry> {
    return registerFirstDevice(this.#options, this.#accepted, { username, device, signUp })
  }

  async approve(request: string): Promise<AcceptedEntry> {
    const { backend, application, api } = this.#options
    const { username, signer } = requireIdentity(this.#options)
    await verifyDeviceKeyRequest(backend, request, { application, username })
    return this.#append({
      build: (place) => deviceEntryOf(this.#options, place, { signer, request }),
      post: (entry) => api.postDevice(entry, undefined, true),
    })
  }

  async renew(device: NewDevice, { signUp, legacyProof }: RenewalOptions = {}): Promise<AcceptedEntry> {
    const { api } = this.#options
    const { username, signer, device: own } = requireIdentity(this.#options)
    if (device.device !== own) throw new TypeError('a renewal keeps the device id')
    const request = await this.deviceRequest(username, device)
    return this.#append({
      build: (place) => deviceEntryOf(this.#options, place, { signer, request, legacyProof }),
      post: (entry) => api.postDevice(entry, signUp, true),
      next: identityOf(username, device),
    })
  }

  async revoke(device: string, reason: string, recovery: ChainSigner | undefined): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const identity = requireIdentity(this.#options)
    const by: EntrySigner = recovery ? { kind: 'recovery' } : { kind: 'device', device: identity.device }
    return this.#append({
      build: (place, state) => {
        const effective = revocationEffective(state, { by, device, issued: place.issued })
        const fields = { ...place, kind: 'revocation', device, reason, effective } as const
        return signEntry(backend, recovery ?? identity.signer, fields)
      },
      post: (entry, valid) => api.postEntry(entry, recovery === undefined || valid),
    })
  }

  async object(revocation: string): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const { signer } = requireIdentity(this.#options)
    return this.#append({
      build: (place) => signEntry(backend, signer, { ...place, kind: 'objection', revocation }),
      post: (entry) => api.postEntry(entry, true),
    })
  }

  async setRecovery(
    { signingKey, backupKey }: { readonly signingKey: Jwk; readonly backupKey: Jwk },
    recovery: ChainSigner | undefined,
  ): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const { signer, device } = requireIdentity(this.#options)
    const by: EntrySigner = recovery ? { kind: 'recovery' } : { kind: 'device', device }
    return this.#append({
      build: (place, state) => {
        const effective = recoveryEffective(state, { by, issued: place.issued })
        const fields = { ...place, kind: 'recovery', signingKey, backupKey, effective } as const
        return signEntry(backend, recovery ?? signer, fields)
      },
      post: (entry, valid) => api.postEntry(entry, recovery === undefined || valid),
    })
  }

  async publishEncryptionKey(
    key: Jwk,
    times: { readonly notBefore?: number; readonly expires?: number } = {},
  ): Promise<void> {
    const { backend, application, api, lookUps, now } = this.#options
    const identity = requireIdentity(this.#options)
    const { username, device, signer } = identity
    const { remembered } = await lookUps.prove(username)
    const { record } = requireOwnDevice(remembered.state, identity)
    const notBefore = times.notBefore ?? now()
    const longest = Math.min(notBefore + MAX_ENCRYPTION_KEY_LIFETIME_SECONDS, record.expires)
    const expires = times.expires ?? longest
    const fields = { application, username, device, entry: record.entry, key, notBefore, expires }
    await api.putEncryptionKey(await signEncryptionKeyStatement(backend, signer, fields))
  }

  #append(entry: OwnEntry): Promise<AcceptedEntry> {
    return appendToOwnChain(this.#options, this.#accepted, entry)
  }
}
