import { backend, kemPublicKeyToJwk, type SigningKey } from '@keyhaven/crypto'
import {
  type ChainSigner,
  type EntryFields,
  emptyState,
  extendChain,
  foldChain,
  OBJECTION_PERIOD_SECONDS,
  type ProfileName,
  recoveryEffective,
  revocationEffective,
  signEntry,
  signerOf,
  signLegacyProof,
  type UserState,
} from '../../src/index.ts'
import { newDeviceId, newKeys, type RequestFields, requestFor, type TestKeys } from './test-keys.ts'

export const START = 1_800_000_000
export const APPLICATION = 'demo'
export const HOUR = 3_600
export const DAY = 24 * HOUR

/** What makes an entry: fields of its own, and the common ones where a test says otherwise. */
type Overrides = Readonly<Record<string, unknown>>

/** A user who writes a chain with real keys. `now` is the test's to set. */
export class TestChain {
  readonly username: string
  readonly authority: SigningKey
  readonly devices = new Map<string, TestKeys>()
  readonly entries: string[] = []
  recovery: ChainSigner | undefined
  now = START
  state: UserState

  private constructor(username: string, authority: SigningKey) {
    this.username = username
    this.authority = authority
    this.state = emptyState({ application: APPLICATION, username, now: START })
  }

  static async open(username = 'alice', authority?: SigningKey): Promise<TestChain> {
    return new TestChain(username, authority ?? (await backend.signatures.generateKeyPair('EdDSA')))
  }

  get expected() {
    const { username, now } = this
    return { application: APPLICATION, username, now, authority: this.authority.publicKey }
  }

  /** Verifies an entry on top of what is there, and keeps it. */
  async add(entry: string): Promise<string> {
    this.state = await extendChain(backend, this.state, [entry], this.expected)
    this.entries.push(entry)
    return this.state.head!
  }

  fold(entries: readonly string[] = this.entries): Promise<UserState> {
    return foldChain(backend, entries, this.expected)
  }

  /** Signs an entry that follows the newest one, or what `overrides` makes of it. */
  sign(signer: ChainSigner, specific: object, overrides: Overrides = {}): Promise<string> {
    const { chain, sequence, head } = this.state
    const common = {
      application: APPLICATION,
      username: this.username,
      chain: Math.max(chain, 0),
      sequence: sequence + 1,
      previous: head,
      issued: Math.max(this.now, this.state.issued),
    }
    return signEntry(backend, signer, { ...common, ...specific, ...overrides } as unknown as EntryFields)
  }

  signerOfDevice(device: string): ChainSigner {
    return this.devices.get(device)!.signer
  }

  request(keys: TestKeys, device: string, fields: Partial<RequestFields> = {}): Promise<string> {
    const { username } = this
    return requestFor(keys, this.now, { application: APPLICATION, username, device, ...fields })
  }

  /** A first device of a chain. @returns its id. */
  async first(profile: ProfileName = 'x25519', device = newDeviceId()): Promise<string> {
    const keys = await newKeys(profile)
    await this.add(await this.sign(keys.signer, await this.deviceFields(keys, device)))
    this.devices.set(device, keys)
    return device
  }

  async approve(by: string, profile: ProfileName = 'x25519', device = newDeviceId()): Promise<string> {
    const keys = await newKeys(profile)
    await this.add(await this.sign(this.signerOfDevice(by), await this.deviceFields(keys, device)))
    this.devices.set(device, keys)
    return device
  }

  async renew(device: string, profile?: ProfileName): Promise<string> {
    const keys = await newKeys(profile ?? this.devices.get(device)!.profile)
    const hash = await this.add(await this.renewal(device, keys))
    this.devices.set(device, keys)
    return hash
  }

  async renewal(device: string, keys: TestKeys, overrides: Overrides = {}): Promise<string> {
    const old = this.devices.get(device)!
    const fields = await this.deviceFields(keys, device)
    const proof = old.legacyPrivate && {
      legacyProof: await signLegacyProof(backend, old.legacyPrivate, keys.signer.jwk),
    }
    return await this.sign(old.signer, { ...fields, ...proof }, overrides)
  }

  revocation(by: string, device: string, overrides: Overrides = {}): Promise<string> {
    const issued = Math.max(this.now, this.state.issued)
    const effective = revocationEffective(this.state, { by: { kind: 'device', device: by }, device, issued })
    return this.sign(
      this.signerOfDevice(by),
      { kind: 'revocation', device, reason: 'lost', effective },
      overrides,
    )
  }

  async revoke(by: string, device: string): Promise<string> {
    return await this.add(await this.revocation(by, device))
  }

  async revokeWith(signer: ChainSigner, device: string, effective = this.now): Promise<string> {
    return await this.add(await this.sign(signer, { kind: 'revocation', device, reason: 'lost', effective }))
  }

  objection(by: string, revocation: string): Promise<string> {
    return this.sign(this.signerOfDevice(by), { kind: 'objection', revocation })
  }

  async object(by: string, revocation: string): Promise<string> {
    return await this.add(await this.objection(by, revocation))
  }

  /** A recovery entry with fresh keys, signed by a device or the recovery key. */
  async recoveryEntry(by: string | 'recovery', effective?: number) {
    const key = signerOf(backend, await backend.signatures.generateKeyPair('EdDSA'))
    const { publicKey } = await backend.kem.generateKeyPair('x25519')
    const issued = Math.max(this.now, this.state.issued)
    const signer = by === 'recovery' ? this.recovery! : this.signerOfDevice(by)
    const named =
      by === 'recovery' ? ({ kind: 'recovery' } as const) : ({ kind: 'device', device: by } as const)
    const fields = {
      kind: 'recovery',
      signingKey: key.jwk,
      backupKey: kemPublicKeyToJwk(publicKey),
      effective: effective ?? recoveryEffective(this.state, { by: named, issued }),
    }
    return { entry: await this.sign(signer, fields), key }
  }

  async setRecovery(by: string | 'recovery'): Promise<{ readonly hash: string; readonly key: ChainSigner }> {
    const { entry, key } = await this.recoveryEntry(by)
    const hash = await this.add(entry)
    if (this.state.recovery?.entry === hash) this.recovery = key
    return { hash, key }
  }

  async reset(): Promise<string> {
    const fields = { kind: 'reset', reason: 'lost all devices', chain: this.state.chain + 1 }
    return await this.add(await this.sign(signerOf(backend, this.authority), fields))
  }

  async deviceFields(keys: TestKeys, device: string): Promise<{ kind: 'device'; request: string }> {
    return { kind: 'device', request: await this.request(keys, device) }
  }

  /** Lets every pending revocation and recovery key take effect. */
  passObjectionPeriod(): void {
    this.now += OBJECTION_PERIOD_SECONDS
  }
}
