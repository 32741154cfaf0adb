import { createHash } from 'node:crypto'
import { backend, fromUtf8 } from '@keyhaven/crypto'
import {
  certificateToPem,
  fromAnyBase64,
  openHybrid,
  openPacket,
  parseCbeff,
  verifyJwt,
} from '@keyhaven/identity'
import { simulatedDocument, simulatedPerson } from '@keyhaven/identity/simulator'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestHolder, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  MANAGER,
  openRegistrationWorld,
  REF_ID,
  type RegistrationWorld,
} from './kit/identity-registration.ts'
import { startOidcProvider, type TestOidcProvider } from './kit/oidc.ts'
import { signInForIdToken } from './kit/oidc-sign-in.ts'

const REDIRECT = 'http://127.0.0.1/registration-client'
const PERSON = 'Example Person 1'
const LAYOUT_C = 'VER_R2'

// "Registration data flow", the seed's eleven parts; each later one goes on with what the earlier ones made.
describe.each(ENGINES)('registration data flow on $name', (engine) => {
  let world: RegistrationWorld
  let provider: TestOidcProvider
  let packet: { rid: string; fileName: string; bytes: Uint8Array }
  let abis: TestHolder
  let printer: TestHolder
  beforeAll(async () => {
    world = await openRegistrationWorld(engine)
    provider = await startOidcProvider(REDIRECT)
    abis = await world.partner('abis', 'ABIS_Partner', 'mpolicygroup-default-abis', 2)
    await world.subscribe('abis', 'mpolicy-default-abis')
    printer = await world.partner('print', 'Print_Partner', 'mpolicygroup-default-print', 3)
    await world.subscribe('print', 'mpolicy-default-euin')
    await world.partner('stranger', 'Print_Partner', 'mpolicygroup-default-print', 4)
  })
  afterAll(async () => {
    await provider?.close()
    await world?.dispose()
  })

  /** What a person has who signs in at the registration client: claims of an id token that was verified. */
  const signIn = async (id: string, roles: readonly string[]) => {
    provider.person = { id, roles }
    const idToken = await signInForIdToken(provider, REDIRECT, { nonce: 'nonce', scope: 'openid profile' })
    const keys = createRemoteJWKSet(new URL('/jwks', provider.issuer))
    const { payload } = await jwtVerify(idToken, keys, {
      issuer: provider.issuer,
      audience: provider.clientId,
    })
    return { subject: payload.sub!, roles: payload.roles as string[], expiresAt: payload.exp! * 1_000 }
  }
  const officer = async () => {
    world.operator = await signIn('officer-1', ['registration-officer'])
    await world.main.registrations.stations.addOfficer('officer-1', 'token:admin').catch(() => {})
  }
  const register = async (person: string, stage = 'CREDENTIALS_ISSUED') => {
    const built = await world.packet(person)
    await world.upload(built)
    await world.reaches(built.rid, stage)
    return built
  }
  const thumbprintOf = async (refId: string, appId: 'ID_REPO' | 'REGISTRATION' = 'ID_REPO') =>
    (await world.main.keys.certificate({ appId, refId })).thumbprint
  /** Layout C: header, thumbprint … */
  const sealedTo = (text: Uint8Array) => {
    const bytes = fromAnyBase64(fromUtf8(text))
    expect(fromUtf8(bytes.subarray(0, LAYOUT_C.length))).toBe(LAYOUT_C)
    return bytes.subarray(LAYOUT_C.length, LAYOUT_C.length + 32)
  }

  test('1. Biometric Capture: a device captures and signs, the registration client verifies', async () => {
    const request = world.client.requestCapture()
    const parts = [{ type: 'Face', subtype: '' }] as const
    const answer = await world.camera.capture({ request, person: PERSON, parts })
    const item = answer.biometrics[0]!
    const [header, payload, signature] = item.data.split('.') as [string, string, string]
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const other = Buffer.from(JSON.stringify({ ...claims, qualityScore: '1' })).toString('base64url')
    const forged = { biometrics: [{ ...item, data: `${header}.${other}.${signature}` }] }
    await expect(world.client.accept(request, forged)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    const [captured] = await world.client.accept(request, answer)
    expect(captured).toMatchObject({ digitalId: { serialNo: '100000000001' } })
    // An answer counts once.
    await expect(world.client.accept(request, answer)).rejects.toMatchObject({ code: 'REPLAYED' })
  })

  test('2. Registration & Encryption: signed with the machine’s key (K10), encrypted for centre and machine (K11)', async () => {
    await officer()
    packet = await world.packet(PERSON)
    const k11 = await thumbprintOf(REF_ID, 'REGISTRATION')
    // Nonce 12 and associated data 32 stand before the thumbprint.
    expect(packet.bytes.subarray(44, 76)).toEqual(k11)
    for (const { value } of simulatedPerson(PERSON).fields.fullName) {
      expect(Buffer.from(packet.bytes).includes(value)).toBe(false)
    }
    const opener = world.main.keys.opener({ appId: 'REGISTRATION', refId: REF_ID })
    const machine = (spki: Uint8Array) => ({
      opener,
      machinePublicKey: async () => backend.rsa.importPublicKey(spki),
    })
    const opened = await openPacket(backend, packet.bytes, machine(world.machineKey.publicKeySpki))
    expect(opened).toMatchObject({ rid: packet.rid, refId: REF_ID })
    const another = (await testHolder(0)).key.publicKey.spki
    const forged = openPacket(backend, packet.bytes, machine(another))
    await expect(forged).rejects.toMatchObject({ code: 'PACKET_INVALID', message: /signature/ })
    const elsewhere = world.main.keys.opener({ appId: 'REGISTRATION', refId: '10001_10078' })
    const stolen = openPacket(backend, packet.bytes, { ...machine(another), opener: elsewhere })
    await expect(stolen).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  })

  test('3. Data Processing & Storage: the processor processes and signs, the data are stored', async () => {
    await world.upload(packet)
    await world.reaches(packet.rid, 'CREDENTIALS_ISSUED')
    const registration = (await world.main.registrations.find(packet.rid))!
    const stored = (await world.objects.get(`packets/${APPLICATION}/${registration.packet}`))!
    expect(Buffer.from(stored).equals(packet.bytes)).toBe(true)
    const processor = await world.main.keys.certificate({ appId: 'REGISTRATION_PROCESSOR', refId: '' })
    const { payload, certificate } = await verifyJwt(backend, registration.receipt!, { trust: () => {} })
    expect(certificate.thumbprint).toEqual(processor.thumbprint)
    expect(JSON.parse(fromUtf8(payload))).toMatchObject({
      rid: packet.rid,
      packet: createHash('sha256').update(packet.bytes).digest('base64url'),
    })
    const uin = await world.main.repository.uinOf(packet.rid)
    const { identity } = await world.main.repository.retrieve(uin, 'UIN')
    expect(identity).toMatchObject(simulatedPerson(PERSON).fields)
  })

  test('4. Secure Storage of Biometric Data: biometrics, documents and demographics under K7.2, K7.1 and K7.3', async () => {
    const names: string[] = []
    for await (const { name } of world.objects.list('identity/')) names.push(name)
    const of = async (category: string) =>
      (await world.objects.get(names.find((name) => name.includes(`/${category}/`))!))!
    const [biometrics, document] = [await of('Biometrics'), await of('Demographics')]
    expect(sealedTo(biometrics)).toEqual(await thumbprintOf('biometric_data'))
    const cbeff = parseCbeff(await world.openStored('ID_REPO', 'biometric_data', biometrics))
    expect(cbeff.birs.map(({ type }) => type)).toEqual(['Face'])
    expect(sealedTo(document)).toEqual(await thumbprintOf('demographic_data'))
    const page = await world.openStored('ID_REPO', 'demographic_data', document)
    expect(page).toEqual(simulatedDocument(PERSON, 'RNC').bytes)
    const row = await world.state.db
      .selectFrom('identity_versions_mosip')
      .selectAll()
      .executeTakeFirstOrThrow()
    expect(sealedTo(row.data)).toEqual(await thumbprintOf('identity_data'))
    const json = await world.openStored('ID_REPO', 'identity_data', row.data)
    expect(JSON.parse(fromUtf8(json))).toMatchObject(simulatedPerson(PERSON).fields)
    expect(row.digest).toBe(createHash('sha256').update(json).digest('hex').toUpperCase())
  })

  test('5. Hashed UIN Storage: the UIN is hashed, and encrypted under K7.4', async () => {
    const uin = await world.main.repository.uinOf(packet.rid)
    const row = await world.state.db
      .selectFrom('identity_records_mosip')
      .selectAll()
      .executeTakeFirstOrThrow()
    const modulo = Number(uin.slice(-3))
    const salts = await world.state.db
      .selectFrom('identity_uin_salts')
      .selectAll()
      .where('id', '=', modulo)
      .executeTakeFirstOrThrow()
    const hash = createHash('sha256').update(uin).update(salts.hash_salt).digest('hex').toUpperCase()
    expect(row.tag).toBe(`${modulo}_${hash}`)
    expect(row.uin.startsWith(`${modulo}_`)).toBe(true)
    const sealed = fromAnyBase64(row.uin.slice(`${modulo}_`.length))
    expect(sealed.subarray(0, 32)).toEqual(await thumbprintOf('uin'))
    const opener = world.main.keys.opener({ appId: 'ID_REPO', refId: 'uin' })
    const iv = new Uint8Array(Buffer.from(salts.encrypt_salt, 'base64'))
    expect(fromUtf8(await openHybrid(backend, opener, sealed, { iv }))).toBe(uin)
    expect(JSON.stringify(row)).not.toContain(uin)
  })

  test('6. Data Sharing & Policy Enforcement: encrypted biometrics for ABIS, the policy asked first', async () => {
    const [insert] = await world.events('abis')
    expect(insert).toMatchObject({ topic: 'abis/ABIS_INSERT', event: { data: { referenceId: packet.rid } } })
    const cbeff = parseCbeff(await world.readShare(insert!.event.dataShareUri!, abis))
    expect(cbeff.birs.map(({ type }) => type)).toEqual(['Face'])
    const { items } = await world.state.audit.list({ action: 'share.create' })
    expect(items.map(({ detail }) => JSON.stringify(detail)).join()).toContain('mpolicy-default-abis')
  })

  test('7. Demographic Data Storage: in the processor’s database, encrypted under K11', async () => {
    const row = await world.state.db
      .selectFrom('identity_registrations')
      .select('demographics')
      .where('rid', '=', packet.rid)
      .executeTakeFirstOrThrow()
    expect(sealedTo(row.demographics!)).toEqual(await thumbprintOf(REF_ID, 'REGISTRATION'))
    const json = await world.openStored('REGISTRATION', REF_ID, row.demographics!)
    expect(JSON.parse(fromUtf8(json))).toMatchObject(simulatedPerson(PERSON).fields)
  })

  test('8. Credential Issuance: shared with printers by the policies they subscribed to, and with nobody else', async () => {
    await expect.poll(async () => (await world.events('print')).length).toBe(1)
    const [issued] = await world.events('print')
    expect(issued!.topic).toBe('print/CREDENTIAL_ISSUED')
    const share = fromUtf8(await world.readShare(issued!.event.dataShareUri!, printer))
    const { credentialSubject } = JSON.parse(share) as { credentialSubject: Record<string, unknown> }
    const question = { partnerId: 'print', policyId: 'mpolicy-default-euin', action: 'share.create' } as const
    const { policy } = await world.main.partners.decisions.decide({ ...question, actor: 'system' })
    const { shareableAttributes } = policy.body
    const allowed = shareableAttributes.map(({ attributeName }) => attributeName)
    expect(Object.keys(credentialSubject).length).toBeGreaterThan(1)
    for (const name of Object.keys(credentialSubject)) expect([...allowed, 'id']).toContain(name)
    await expect(world.readShare(issued!.event.dataShareUri!, abis)).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
    expect(await world.events('stranger')).toEqual([])
  })

  test('9. Operator Authentication: only a registration officer who is signed in registers people', async () => {
    world.operator = undefined
    await expect(world.packet('Example Person 9')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    world.operator = await signIn('visitor', ['auditor'])
    await expect(world.packet('Example Person 9')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    world.operator = { ...(await signIn('officer-1', ['registration-officer'])), expiresAt: Date.now() - 1 }
    await expect(world.packet('Example Person 9')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    // The server asks its own list, whatever the client believed.
    world.operator = await signIn('officer-2', ['registration-officer'])
    const built = await register('Example Person 9', 'REJECTED')
    const { reason } = (await world.main.registrations.find(built.rid))!
    expect(reason).toMatch(/operator: not a registration officer/)
    await officer()
  })

  test('10. Policy Validation for Data Transfer: before ABIS gets anything, partner and policy are asked', async () => {
    const { certificates } = world.main.partners
    const [current] = await world.main.partners.store.reads.certificates.list({
      partnerId: 'abis',
      state: 'active',
    })
    await certificates.revokeCertificate(current!.id, 'a test', MANAGER)
    const before = (await world.events('abis')).length
    const built = await register('Example Person 10', 'VERIFIED')
    await expect
      .poll(async () => (await world.state.audit.list({ action: 'partner.refuse' })).items.length)
      .toBeGreaterThan(0)
    expect((await world.events('abis')).length).toBe(before)
    expect(await world.main.registrations.find(built.rid)).toMatchObject({ stage: 'VERIFIED' })
    // Mended, it goes on by itself.
    const subject = { commonName: 'abis', organisation: 'abis Ltd' }
    const renewed = await testHolder(5, { issuedBy: world.authority, subject })
    await certificates.uploadCertificate('abis', certificateToPem(renewed.certificate), MANAGER)
    await world.reaches(built.rid, 'CREDENTIALS_ISSUED')
    const events = await world.events('abis')
    expect(events.length).toBe(before + 1)
    await world.readShare(events.at(-1)!.event.dataShareUri!, renewed)
  })

  test('11. Partner & Policy Control: only registered partners with valid credentials subscribe', async () => {
    const { partners, certificates } = world.main.partners
    const ask = (partnerId: string, organisation: string) =>
      partners.requestPolicy(
        { partnerId, policyId: 'mpolicy-default-reprint', purpose: 'a test' },
        { actor: `oidc:${provider.issuer}#${organisation}`, organisation },
      )
    await expect(ask('nobody', 'nobody Ltd')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(ask('print', 'stranger Ltd')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const outside = await testHolder(0, { subject: { commonName: 'stranger', organisation: 'stranger Ltd' } })
    const upload = certificates.uploadCertificate('stranger', certificateToPem(outside.certificate), MANAGER)
    await expect(upload).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    const asked = await ask('print', 'print Ltd')
    const byItself = partners.decideSubscription(
      asked.id,
      { approve: true, reason: 'myself' },
      { actor: 'oidc:print', organisation: 'print Ltd' },
    )
    await expect(byItself).rejects.toMatchObject({ code: expect.stringMatching(/ACCESS_DENIED|NOT_FOUND/) })
    const [own] = await world.main.partners.store.reads.certificates.list({
      partnerId: 'print',
      state: 'active',
    })
    await certificates.revokeCertificate(own!.id, 'a test', MANAGER)
    const approval = partners.decideSubscription(asked.id, { approve: true, reason: 'a test' }, MANAGER)
    await expect(approval).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })
})
