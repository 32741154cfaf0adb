import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeCredentialEvent, keyName } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  AUTH_POLICY,
  IDA_PARTNER,
  openVaultWorld,
  personOf,
  type VaultWorld,
} from './kit/identity-vault.ts'

// "Encryption and sharing by Credential Service", the seed's seven steps. What MOSIP's layouts are is computed here again,
// with node:crypto alone.

const UIN = '5283940617'
const bytes = (text: string) => Buffer.from(text, 'base64url')

describe.each(ENGINES)('credential sharing, profile mosip, on $name', (engine) => {
  let world: VaultWorld
  let issued: Awaited<ReturnType<VaultWorld['issue']>>
  let payload: { credentialSubject: Record<string, string>; protectedAttributes: string[] } & Record<
    string,
    unknown
  >
  let k9: { unwrap(wrapped: Buffer): Promise<Buffer> }

  beforeAll(async () => {
    world = await openVaultWorld(engine, 'mosip')
    const master = await world.keys.main.masterKey(keyName('KERNEL', 'IDENTITY_CACHE'))
    k9 = { unwrap: async (wrapped) => Buffer.from(await master.unwrapEcb(wrapped)) }
  })
  afterAll(() => world.dispose())

  const event = () => decodeCredentialEvent(JSON.parse(new TextDecoder().decode(issued.event.body)))

  const poolKey = async (index: number): Promise<Buffer> => {
    const { wrapped } = await world.main.db
      .selectFrom('identity_pool_keys_mosip')
      .select('wrapped')
      .where('application_id', '=', APPLICATION)
      .where('key_index', '=', index)
      .executeTakeFirstOrThrow()
    return k9.unwrap(Buffer.from(wrapped, 'base64'))
  }

  test('1. Generate master symmetric encryption key K9', async () => {
    const master = await world.keys.main.masterKey(keyName('KERNEL', 'IDENTITY_CACHE'))
    const key = Buffer.alloc(32, 7)
    const wrapped = Buffer.from(await master.wrapEcb(key))
    expect(wrapped).toHaveLength(32)
    expect(wrapped).not.toEqual(key)
    expect(Buffer.from(await master.unwrapEcb(wrapped))).toEqual(key)
    // Two equal halves, no padding: ECB, as MOSIP has it.
    expect(wrapped.subarray(0, 16)).toEqual(wrapped.subarray(16))
  })

  test('2. Generate a 10,000 symmetric keys pool (ZKn), each encrypted with K9 and stored in DB (K12)', async () => {
    const start = performance.now()
    expect(await world.issuer.vault.createPool('test')).toEqual({ generation: 0, keys: 10_000 })
    console.info(`pool of 10,000 keys, mosip, ${engine.name}: ${Math.round(performance.now() - start)} ms`)
    const rows = await world.main.db
      .selectFrom('identity_pool_keys_mosip')
      .select(['key_index', 'wrapped'])
      .orderBy('key_index')
      .execute()
    expect(rows.map((row) => row.key_index)).toEqual(Array.from({ length: 10_000 }, (_, index) => index))
    expect(new Set(rows.map((row) => row.wrapped)).size).toBe(10_000)
    expect(rows.every(({ wrapped }) => /^[A-Za-z0-9+/]{43}=$/.test(wrapped))).toBe(true)
    await expect(world.issuer.vault.createPool('test')).rejects.toThrow(
      expect.objectContaining({ code: 'CONFLICT' }),
    )
  })

  test('3. Randomly select one key from ZKn, and decrypt using K9', async () => {
    issued = await world.issue(UIN)
    payload = JSON.parse(new TextDecoder().decode(await world.openShare(issued.share)))
    const { demographics, biometrics } = event()
    expect(demographics!.index).toBeLessThan(10_000)
    expect(await poolKey(demographics!.index)).toHaveLength(32)
    expect(await poolKey(biometrics!.index)).toHaveLength(32)
    const subject = await world.issuer.vault.subject(UIN, 'request')
    const place = { record: 'record', partner: IDA_PARTNER, policy: AUTH_POLICY }
    const drawn = new Set<number>()
    for (let turn = 0; turn < 5; turn++)
      drawn.add((await subject.seal(place, new Map([['name', 'value']]))).index)
    expect(drawn.size).toBeGreaterThan(2) // each call draws anew
  })

  test('4. Derive new key ZKn’ = ZKn + UIN/VID/APPID', async () => {
    const derived = await derive(event().demographics!.index, UIN)
    expect(derived).toHaveLength(32)
    expect(derived).not.toEqual(await derive(event().demographics!.index, '5283940618'))
  })

  /** AES-256-ECB without padding under ZKn over SHA-256 of the id. */
  async function derive(index: number, id: string): Promise<Buffer> {
    const cipher = createCipheriv('aes-256-ecb', await poolKey(index), null).setAutoPadding(false)
    return Buffer.concat([cipher.update(createHash('sha256').update(id).digest()), cipher.final()])
  }

  test('5. Encrypt biometric templates and demographics', async () => {
    const { identity } = personOf(UIN)
    const opened: Record<string, string> = {}
    for (const name of payload.protectedAttributes) {
      const value = bytes(payload.credentialSubject[name]!)
      const index = value.readUInt32BE(0)
      const [nonce, aad, sealed] = [value.subarray(4, 16), value.subarray(16, 48), value.subarray(48)]
      const decipher = createDecipheriv('aes-256-gcm', await derive(index, UIN), nonce).setAAD(aad)
      decipher.setAuthTag(sealed.subarray(-16))
      opened[name] = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString()
    }
    expect(JSON.parse(opened.fullName!)).toEqual(identity.fullName)
    expect(opened.dateOfBirth).toBe(identity.dateOfBirth)
    expect(opened.phone).toBe(identity.phone)
    expect(opened.Face).toContain('<Type>Face</Type>')
    expect(opened['Finger_Left Thumb']).toContain('<Subtype>Left Thumb</Subtype>')
    const indexOf = (name: string) => bytes(payload.credentialSubject[name]!).readUInt32BE(0)
    expect(indexOf('fullName')).toBe(event().demographics!.index)
    expect(indexOf('Face')).toBe(event().biometrics!.index)
  })

  test('6. Encrypt ZKn: ZKn-IDA = encrypt(ZKn with K22)', async () => {
    const { index, encryptedRandomKey } = event().demographics!
    expect(encryptedRandomKey.split('.')).toHaveLength(1)
    const part = bytes(encryptedRandomKey)
    const certificate = await world.keys.ida.certificate(keyName('IDA', 'CRED_SERVICE'))
    expect(part.subarray(0, 32)).toEqual(createHash('sha256').update(certificate.der).digest())
    expect(part).toHaveLength(32 + 256)
    const opener = world.keys.ida.opener(keyName('IDA', 'CRED_SERVICE'))
    expect(Buffer.from(await opener.open(part.subarray(0, 32), part.subarray(32)))).toEqual(
      await poolKey(index),
    )
  })

  test('7. Share ZKn-IDA, BIO, random index and hash of the id, the whole encrypted with PK8', async () => {
    const { identifier } = event()
    const hex = createHash('sha256').update(UIN).digest('hex')
    expect(identifier.modulo).toBe(Number.parseInt(hex.slice(-3), 16) % 1_000)
    expect(identifier.idHash).toBe(
      createHash('sha256').update(UIN).update(identifier.salt!).digest('hex').toUpperCase(),
    )
    const json = JSON.parse(new TextDecoder().decode(issued.event.body))
    expect(json.topic).toBe(`${IDA_PARTNER}/CREDENTIAL_ISSUED`)
    expect(Object.keys(json.event.data)).toEqual([
      ...['id_hash', 'MODULO', 'SALT', 'TOKEN', 'expiry_timestamp', 'transaction_limit'],
      ...['demoEncryptedRandomKey', 'demoRankomKeyIndex', 'bioEncryptedRandomKey', 'bioRankomKeyIndex'],
      ...['proof', 'credentialType', 'protectionKey'],
    ])
    expect(typeof json.event.data.demoRankomKeyIndex).toBe('string')
    expect(json.event.dataShareUri).toContain(`/${AUTH_POLICY}/${IDA_PARTNER}/`)
    expect(Object.keys(payload)).toEqual([
      ...[
        'id',
        'type',
        'issuer',
        'issuanceDate',
        'issuedTo',
        'consent',
        'credentialSubject',
        'protectedAttributes',
      ],
    ])
    expect(payload.issuedTo).toBe(IDA_PARTNER)
    expect(bytes(new TextDecoder().decode(issued.share)).subarray(0, 6).toString()).toBe('VER_R2')
    expect(Buffer.from(issued.share).includes('fullName')).toBe(false)
    expect(Buffer.from(issued.event.body).includes(UIN)).toBe(false)
  })

  test('a request is issued once, however often it is asked for', async () => {
    const requestId = 'once'
    const order = { requestId, id: UIN, idType: 'UIN', partner: IDA_PARTNER, policyId: AUTH_POLICY } as const
    for (let turn = 0; turn < 3; turn++) await world.credentials.request({ ...order, credentialType: 'auth' })
    const results = await Promise.all([1, 2, 3].map(() => world.credentials.issue(requestId)))
    expect(new Set(results.map((result) => result.credentialId)).size).toBe(1)
    expect(results.filter((result) => result.fresh)).toHaveLength(1)
    const events = await world.main.db.selectFrom('identity_events').select('body').execute()
    expect(events.filter(({ body }) => body.includes('"once"'))).toHaveLength(1)
    const row = await world.main.db
      .selectFrom('identity_credentials')
      .selectAll()
      .where('request_id', '=', requestId)
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(UIN)
    expect(Buffer.from(row.sealed_order).includes(UIN)).toBe(false)
  })

  test('a partner without a policy gets nothing, and nothing is made for him', async () => {
    world.setPolicy(true)
    const before = world.shares.size
    await expect(world.issue(UIN, { requestId: 'refused' })).rejects.toThrow(
      expect.objectContaining({ code: 'POLICY_REFUSED' }),
    )
    world.setPolicy(false)
    expect(world.shares.size).toBe(before)
    expect(await world.credentials.status('refused')).toMatchObject({ state: 'FAILED', credentialId: null })
  })
})
