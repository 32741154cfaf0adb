import { type CryptoBackend, type Jwk, KeyhavenError } from '@keyhaven/crypto'
import { verifyAcceptance } from '../chain/acceptance.ts'
import type { ChainSigner } from '../chain/chain-signer.ts'
import { signDeviceKeyRequest, verifyDeviceKeyRequest } from '../chain/device-key-request.ts'
import { recoveryEffective, revocationEffective } from '../chain/effective-time.ts'
import { signEncryptionKeyStatement } from '../chain/encryption-key-statement.ts'
import { type EntryFields, entryHash, signEntry } from '../chain/entry.ts'
import { stateAt } from '../chain/fold-chain.ts'
import { DEFAULT_RECORD_LIFETIME_SECONDS, MAX_ENCRYPTION_KEY_LIFETIME_SECONDS } from '../chain/limits.ts'
import { PROFILES } from '../chain/profile.ts'
import type { DeviceState, EntrySigner, UserState } from '../chain/user-state.ts'
import { type AcceptedReply, ChainMoved, type DirectoryApi } from './directory-api.ts'
import type {
  AcceptedEntry,
  DirectoryIdentity,
  NewDevice,
  RenewalOptions,
  SignUp,
} from './directory-client.ts'
import type { LogMemory } from './log-memory.ts'
import type { LookUps, ProvenUser } from './look-up.ts'

/** How often an entry is signed again on top of what other devices did meanwhile. */
const MAX_REBASES = 4

export interface SubmitOptions {
  readonly backend: CryptoBackend
  readonly application: string
  readonly api: DirectoryApi
  readonly lookUps: LookUps
  readonly log: LogMemory
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly identity: () => DirectoryIdentity | undefined
  readonly use: (identity: DirectoryIdentity | undefined) => void
}

/** Where an entry goes, and what is particular to it. */
type Place = Pick<EntryFields, 'application' | 'username' | 'chain' | 'sequence' | 'previous' | 'issued'>
type Build = (place: Place, state: UserState) => Promise<string>

/**
 * Adds entries to the own chain. Each one is signed on top of the chain as the log proves it, and counts as accepted
 * once the log proves that it is in it.
 */
export class EntrySubmitter {
  readonly #options: SubmitOptions

  constructor(options: SubmitOptions) {
    this.#options = options
  }

  async deviceRequest(username: string, device: NewDevice): Promise<string> {
    const { backend, application, now } = this.#options
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

  /** @throws KeyhavenError `CONFLICT` if the user has devices already: one of them approves this one. */
  async register(username: string, device: NewDevice, signUp: SignUp): Promise<AcceptedEntry> {
    const { api, application, log, now } = this.#options
    // A log that is not trusted gets no token, and no name is taken that could not be used then.
    await log.check(await api.checkpoint())
    const request = await this.deviceRequest(username, device)
    const identity = identityOf(username, device)
    let place: Place = { application, username, chain: 0, sequence: 0, previous: null, issued: now() }
    let entry = await this.#deviceEntry(place, device.signer, request)
    const post = () => api.postDevice(entry, signUp, false)
    try {
      await post()
    } catch (error) {
      // After a reset the chain has a place of its own, which only the server can tell to a user without a device.
      if (
        error instanceof ChainMoved &&
        error.chain !== undefined &&
        error.chain > 0 &&
        error.head !== null
      ) {
        const { chain, sequence, head } = error
        place = { ...place, chain, sequence: sequence + 1, previous: head, issued: now() }
        entry = await this.#deviceEntry(place, device.signer, request)
        await this.#orUnknown(post(), entry, [identity])
      } else {
        await this.#orUnknown(Promise.reject(error), entry, [identity])
      }
    }
    return this.#adopt(identity, entry)
  }

  async approve(request: string): Promise<AcceptedEntry> {
    const { backend, application, api } = this.#options
    const { username, signer } = this.#identity()
    await verifyDeviceKeyRequest(backend, request, { application, username })
    return this.#submit(
      (place) => this.#deviceEntry(place, signer, request),
      (entry) => api.postDevice(entry, undefined, true),
    )
  }

  async renew(device: NewDevice, { signUp, legacyProof }: RenewalOptions = {}): Promise<AcceptedEntry> {
    const { api } = this.#options
    const { username, signer, device: own } = this.#identity()
    if (device.device !== own) throw new TypeError('a renewal keeps the device id')
    const request = await this.deviceRequest(username, device)
    const next = identityOf(username, device)
    return this.#submit(
      (place) => this.#deviceEntry(place, signer, request, legacyProof),
      (entry) => api.postDevice(entry, signUp, true),
      next,
    )
  }

  revoke(device: string, reason: string, recovery: ChainSigner | undefined): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const identity = this.#identity()
    return this.#submit(
      (place, state) => {
        const by: EntrySigner = recovery ? { kind: 'recovery' } : { kind: 'device', device: identity.device }
        const effective = revocationEffective(state, { by, device, issued: place.issued })
        const fields = { ...place, kind: 'revocation', device, reason, effective } as const
        return signEntry(backend, recovery ?? identity.signer, fields)
      },
      (entry, valid) => api.postEntry(entry, recovery === undefined || valid),
    )
  }

  object(revocation: string): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const { signer } = this.#identity()
    return this.#submit(
      (place) => signEntry(backend, signer, { ...place, kind: 'objection', revocation }),
      (entry) => api.postEntry(entry, true),
    )
  }

  setRecovery(
    { signingKey, backupKey }: { readonly signingKey: Jwk; readonly backupKey: Jwk },
    recovery: ChainSigner | undefined,
  ): Promise<AcceptedEntry> {
    const { backend, api } = this.#options
    const { signer, device } = this.#identity()
    return this.#submit(
      (place, state) => {
        const by: EntrySigner = recovery ? { kind: 'recovery' } : { kind: 'device', device }
        const effective = recoveryEffective(state, { by, issued: place.issued })
        const fields = { ...place, kind: 'recovery', signingKey, backupKey, effective } as const
        return signEntry(backend, recovery ?? signer, fields)
      },
      (entry, valid) => api.postEntry(entry, recovery === undefined || valid),
    )
  }

  async publishEncryptionKey(
    key: Jwk,
    times: { readonly notBefore?: number; readonly expires?: number } = {},
  ): Promise<void> {
    const { backend, application, api, lookUps, now } = this.#options
    const { username, device, signer } = this.#identity()
    const { remembered } = await lookUps.prove(username)
    const { record } = this.#ownDevice(remembered.state)
    const notBefore = times.notBefore ?? now()
    const longest = Math.min(notBefore + MAX_ENCRYPTION_KEY_LIFETIME_SECONDS, record.expires)
    const expires = times.expires ?? longest
    const fields = { application, username, device, entry: record.entry, key, notBefore, expires }
    await api.putEncryptionKey(await signEncryptionKeyStatement(backend, signer, fields))
  }

  /**
   * @param post - is told whether this device is valid: then it signs the request also where the recovery key signs the
   *   entry, since all unsigned calls share one rate limit.
   * @param next - who this device is once the entry is accepted.
   */
  async #submit(
    build: Build,
    post: (entry: string, valid: boolean) => Promise<AcceptedReply>,
    next: DirectoryIdentity = this.#identity(),
  ): Promise<AcceptedEntry> {
    const { application, now } = this.#options
    const identity = this.#identity()
    const { username } = identity
    let moved: ChainMoved | undefined
    for (let rebases = 0; ; rebases++) {
      const { state, proven } = await this.#ownState(username)
      const own = this.#ownDevice(state)
      // What came after is verified once this device may look up again.
      const last = !proven && moved ? moved : state
      const place = {
        application,
        username,
        chain: state.chain,
        sequence: last.sequence + 1,
        previous: last.head,
        issued: Math.max(now(), state.issued),
      }
      const entry = await build(place, state)
      let reply: AcceptedReply | undefined
      try {
        reply = await this.#orUnknown(post(entry, own.status === 'valid'), entry, [next, identity])
      } catch (error) {
        if (!(error instanceof ChainMoved) || rebases >= MAX_REBASES) throw error
        moved = error
        continue
      }
      try {
        return await this.#adopt(next, entry)
      } catch (error) {
        // Who has just revoked oneself can ask for no proof any more; the authority's word is left.
        const revoked = error instanceof KeyhavenError && error.code === 'DEVICE_REVOKED'
        if (!revoked || reply === undefined) throw error
        return { entry: await this.#acceptedHash(reply, entry), sequence: place.sequence, index: reply.index }
      }
    }
  }

  /** An expired device may look nobody up, not even itself, until it is renewed: it goes by what it remembers. */
  async #ownState(username: string): Promise<{ readonly state: UserState; readonly proven: boolean }> {
    const { lookUps, now } = this.#options
    try {
      return { state: (await lookUps.prove(username)).remembered.state, proven: true }
    } catch (error) {
      const expired = error instanceof KeyhavenError && error.code === 'KEY_EXPIRED'
      const remembered = expired ? await (await lookUps.remembered(username)).read() : undefined
      if (remembered === undefined) throw error
      return { state: stateAt(remembered.state, now()), proven: false }
    }
  }

  /** @throws KeyhavenError `RECORD_INVALID` if the authority did not accept this very entry. */
  async #acceptedHash({ acceptance }: AcceptedReply, entry: string): Promise<string> {
    const { backend, application, log } = this.#options
    const { username } = this.#identity()
    const hash = await entryHash(backend, entry)
    const remembered = await log.remembered()
    if (remembered === undefined) throw new KeyhavenError('RECORD_INVALID', 'no authority is known')
    const { authority } = await log.parametersOf(remembered)
    await verifyAcceptance(backend, authority, acceptance, { application, username, entry: hash })
    return hash
  }

  /** A revoked device, or one whose chain a reset has ended, signs nothing any more. */
  #ownDevice(state: UserState): DeviceState {
    const { device } = this.#identity()
    const own = state.devices.find((candidate) => candidate.device === device)
    if (own === undefined || own.status === 'revoked') {
      throw new KeyhavenError('DEVICE_REVOKED', 'this device is revoked: register it anew')
    }
    return own
  }

  /**
   * Where it is not known whether the server took an entry, the log knows.
   *
   * @param identities - who may ask by now: a renewal that went through has made the old key useless.
   */
  async #orUnknown(
    posting: Promise<AcceptedReply>,
    entry: string,
    identities: readonly DirectoryIdentity[],
  ): Promise<AcceptedReply | undefined> {
    try {
      return await posting
    } catch (error) {
      if (!isUnknown(error)) throw error
      for (const identity of identities) {
        const found = await this.#asIdentity(identity, () => this.#find(identity.username, entry)).catch(
          () => undefined,
        )
        if (found !== undefined) return undefined
      }
      throw error
    }
  }

  /** From now on this device is `identity`, if the log has the entry. */
  async #adopt(identity: DirectoryIdentity, entry: string): Promise<AcceptedEntry> {
    const { lookUps, use } = this.#options
    const found = await this.#asIdentity(identity, () => this.#find(identity.username, entry))
    if (found === undefined) {
      throw new KeyhavenError(
        'PROOF_INVALID',
        'the directory says that it accepted an entry, and does not show it',
      )
    }
    use(identity)
    const { remembered } = found.proven
    if (remembered.accepted !== remembered.state.chain) {
      // The own chain: whoever holds its newest device has agreed to it.
      const value = await lookUps.remembered(identity.username)
      await value.write({ ...remembered, accepted: remembered.state.chain })
    }
    return found.accepted
  }

  async #find(
    username: string,
    entry: string,
  ): Promise<{ proven: ProvenUser; accepted: AcceptedEntry } | undefined> {
    const { backend, lookUps } = this.#options
    const hash = await entryHash(backend, entry)
    const proven = await lookUps.prove(username)
    const { state, indices } = proven.remembered
    const item = state.history.find((candidate) => candidate.entry === hash)
    if (item === undefined) return undefined
    const index = indices[item.sequence]!
    return { proven, accepted: { entry: hash, sequence: item.sequence, index } }
  }

  async #asIdentity<T>(identity: DirectoryIdentity, run: () => Promise<T>): Promise<T> {
    const { use } = this.#options
    const before = this.#options.identity()
    use(identity)
    try {
      return await run()
    } finally {
      use(before)
    }
  }

  #deviceEntry(place: Place, signer: ChainSigner, request: string, legacyProof?: string): Promise<string> {
    const fields = {
      ...place,
      kind: 'device',
      request,
      ...(legacyProof !== undefined && { legacyProof }),
    } as const
    return signEntry(this.#options.backend, signer, fields)
  }

  #identity(): DirectoryIdentity {
    const identity = this.#options.identity()
    if (identity === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'no device: register one first')
    return identity
  }
}

function identityOf(username: string, { device, signer, requestKey }: NewDevice): DirectoryIdentity {
  return { username, device, signer, requestKey }
}

/** The network, or whatever stands between: the server may have run the request. */
function isUnknown(error: unknown): boolean {
  if (!(error instanceof KeyhavenError)) return true
  return ['RESULT_UNKNOWN', 'GATEWAY_UNAVAILABLE', 'OPEN_FAILED', 'GATEWAY_REFUSED'].includes(error.code)
}
