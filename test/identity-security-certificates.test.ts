import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url, toHex, utf8 } from '../packages/crypto/src/node/index.ts'
import {
  AUTH_REQUEST_IDS,
  type Certificate,
  certificateToPem,
  keyName,
  type PartnerUpdate,
  signDetachedJws,
  signEvent,
} from '../packages/identity/src/index.ts'
import { blindInput } from '../packages/identity/src/oprf/voprf.ts'
import { issuerTrust } from '../packages/identity/src/service/index.ts'
import { createSimulatedDevice, type SimulatedTrust } from '../packages/identity/src/simulator/index.ts'
import { type TestHolder, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { importEvent } from '../packages/server/src/identity/ida/import-event.ts'
import { createLocalModuleKeys } from '../packages/server/src/identity/keys/local-module-keys.ts'
import { createServedOprf } from '../packages/server/src/identity/oprf/create-oprf.ts'
import { ENGINES } from './kit/engines.ts'
import { faultyCertificates } from './kit/faulty-certificates.ts'
import { FULL_MISP, handMadeAuthRequests, UIN } from './kit/hand-made-auth-requests.ts'
import {
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  MISP_ID,
  MISP_ORGANISATION,
  openAuthWorld,
  PARTNER_ID,
} from './kit/identity-authentication.ts'
import { APPLICATION, IDA_PARTNER, openVaultWorld, type VaultWorld } from './kit/identity-vault.ts'

// Expired, revoked and wrong-purpose certificates at every check of the IDA and of the oblivious PRF. Those at
// the issuer: identity-security-shares.test.ts.

const SQLITE = ENGINES[0]!
const ORGANISATION = 'Invented Bank'
const CERTIFICATE_INVALID = expect.objectContaining({ code: 'CERTIFICATE_INVALID' })

const registered = ({ certificate }: TestHolder): Pick<PartnerUpdate, 'certificate'> => ({
  certificate: { der: toBase64url(certificate.der), chain: [] },
})

describe('at the IDA', () => {
  let world: AuthWorld
  beforeAll(async () => {
    world = await openAuthWorld(SQLITE, 'mosip')
    await world.vault.enrol(UIN)
  })
  afterAll(() => world.dispose())
  afterEach(async () => {
    await world.tell()
    await world.tellOfAuthorities()
    await world.store.savePartner(misp(FULL_MISP))
  })
  const { requestBody, send, misp } = handMadeAuthRequests(() => world)
  const asPartner = async (holder: TestHolder, kind: 'auth' | 'kyc') => {
    await world.tell(registered(holder))
    await world.store.savePartner(misp(FULL_MISP))
    const body = await requestBody({ id: AUTH_REQUEST_IDS[kind] })
    const signature = await signDetachedJws(holder.signer, JSON.stringify(body))
    return (await send(body, { signature, kind })).codes
  }
  const subject = { commonName: PARTNER_ID, organisation: ORGANISATION }

  test('a relying party’s, for a yes or no', async () => {
    const wrongUse = ['keyEncipherment'] as const
    const now = world.vault.now()
    for (const [what, holder] of await faultyCertificates({
      ...{ key: 4, authority: world.authority, subject, now, wrongUse },
    })) {
      expect([what, await asPartner(holder, 'auth')]).toEqual([what, ['IDA-MPA-002']])
    }
    await world.tell()
    await world.tellOfAuthorities({ revoked: [toHex(world.partner.certificate.thumbprint)] })
    expect((await send(await requestBody())).codes).toEqual(['IDA-MPA-002'])
  })

  test('a relying party’s that only signs: it asks, and attributes are not encrypted to it', async () => {
    const { authority } = world
    const signs = await testHolder(4, { issuedBy: authority, subject, keyUsage: ['digitalSignature'] })
    expect(await asPartner(signs, 'auth')).toEqual([])
    expect(await asPartner(signs, 'kyc')).toEqual(['IDA-MPA-002'])
    expect(await asPartner(world.partner, 'kyc')).toEqual([])
  })

  test('a MISP’s: its licence keys end with it', async () => {
    const codesWith = async (change: Partial<PartnerUpdate>) => {
      await world.store.savePartner(misp({ ...FULL_MISP, ...change }))
      return (await send(await requestBody())).codes
    }
    const own = { commonName: MISP_ID, organisation: MISP_ORGANISATION }
    for (const [what, holder] of await faultyCertificates({
      ...{ key: 5, authority: world.authority, subject: own, now: world.vault.now() },
      wrongUse: ['keyEncipherment'],
    })) {
      expect([what, await codesWith(registered(holder))]).toEqual([what, ['IDA-MPA-017']])
    }
    const other = await testHolder(5, { issuedBy: world.authority, subject: { ...own, organisation: 'X' } })
    expect(await codesWith(registered(other))).toEqual(['IDA-MPA-017'])
    expect(await codesWith({ certificate: null })).toEqual(['IDA-MPA-017'])
    expect(await codesWith({})).toEqual([])
    await world.tellOfAuthorities({ revoked: [toHex(world.misp.certificate.thumbprint)] })
    expect((await send(await requestBody())).codes).toEqual(['IDA-MPA-017'])
  })

  describe.each([
    ['a device’s (PK2)', 'device'],
    ['a chip’s (FTM, PK5)', 'ftm'],
  ] as const)('%s', (_whose, domain) => {
    /** Captures with a device of which one key has this certificate. */
    const ask = async (issue: SimulatedTrust['issue']) => {
      const device = await createSimulatedDevice(backend, {
        ...{ trust: { ...world.devices, issue }, type: 'Face', level: 'L1', serialNo: '1' },
        now: world.vault.now,
      })
      const bank = await world.relyingParty()
      const transactionId = bank.newTransactionId()
      const { biometrics } = await device.capture({
        ...{ person: UIN, parts: [{ type: 'Face', subtype: '' }] },
        request: {
          ...{ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI },
          requestedAt: world.vault.now(),
        },
        recipient: await world.vault.keys.ida.recipient(keyName('IDA', 'FIR')),
      })
      const { authenticated, errors } = await bank.authenticate({ id: UIN, transactionId, biometrics })
      return authenticated ? [] : errors.map(({ errorCode }) => errorCode)
    }
    /** The keys of a right device, but for this one. */
    const but =
      (holder: TestHolder, above: SimulatedTrust['deviceProvider']): SimulatedTrust['issue'] =>
      async (provider, name, at) =>
        provider === domain
          ? { ...holder.signer, chain: [above.certificate, ...above.chain] }
          : world.devices.issue(provider, name, at)

    test('expired, for another purpose, or of nobody', async () => {
      const above = domain === 'device' ? world.devices.deviceProvider : world.devices.ftmProvider
      const authority = { certificate: above.certificate, signer: above } as unknown as TestHolder
      const faulty = await faultyCertificates({
        ...{ key: 9, authority, subject: { commonName: 'device' }, now: world.vault.now() },
        wrongUse: ['keyEncipherment'],
      })
      for (const [what, holder] of faulty) {
        expect([what, await ask(but(holder, above))]).toEqual([what, ['IDA-BIA-004']])
      }
      const right = await testHolder(9, { issuedBy: authority, keyUsage: ['digitalSignature'] })
      expect(await ask(but(right, above))).toEqual([])
      await world.tellOfAuthorities({ revoked: [toHex(right.certificate.thumbprint)] })
      expect(await ask(but(right, above))).toEqual(['IDA-BIA-004'])
    })

    test('under an authority of the other kind', async () => {
      const other = domain === 'device' ? 'ftm' : 'device'
      const issue: SimulatedTrust['issue'] = (provider, name, at) =>
        world.devices.issue(provider === domain ? other : provider, name, at)
      expect(await ask(issue)).toEqual(['IDA-BIA-004'])
    })
  })

  test('the issuer’s, on events', async () => {
    const root = await testHolder(1, { ca: true, subject: { commonName: 'Issuer', organisation: 'I' } })
    const now = Date.now()
    const codeOf = async (signer: TestHolder['signer'], pinned: Certificate | undefined, at = now) => {
      const event = { id: 'e', timestamp: '', data: { sequence: 1, authorities: [], revoked: [] } }
      const topic = `${IDA_PARTNER}/CA_CERTIFICATE_UPLOADED`
      const body = utf8(JSON.stringify({ publisher: 'P', topic, publishedOn: '', event }))
      const issuer = issuerTrust(
        async () => pinned,
        () => at,
      )
      const signed = { body, signature: await signEvent(signer, body) }
      const store = { savePartner: async () => true, saveAuthorities: async () => true }
      return importEvent({ partnerId: IDA_PARTNER, issuer, store, people: undefined }, signed).catch(
        ({ code }: { code: string }) => code,
      )
    }
    const named = { commonName: 'KERNEL-SIGN', organisation: 'I' }
    for (const [what, holder] of await faultyCertificates({
      ...{ key: 2, authority: root, subject: named, now, wrongUse: ['keyEncipherment'] },
    })) {
      const code = await codeOf(holder.signer, root.certificate)
      expect([what, code]).toEqual([what, 'CERTIFICATE_INVALID'])
    }
    const right = await testHolder(2, { issuedBy: root, subject: named })
    expect(await codeOf(right.signer, root.certificate)).toBe('imported')
    expect(await codeOf(right.signer, root.certificate, now + 366 * 86_400_000)).toBe('CERTIFICATE_INVALID')
    expect(await codeOf(right.signer, undefined)).toBe('CERTIFICATE_INVALID')
    expect(await codeOf(root.signer, root.certificate)).toBe('CERTIFICATE_INVALID')
  })

  test('the IDA’s own, at the relying party', async () => {
    const root = await testHolder(1, { ca: true, subject: { commonName: 'IDA root', organisation: 'I' } })
    const now = world.vault.now()
    const answerOf = async ({ signer }: TestHolder) => {
      // K20 is given, so that only the answer's certificate is in question.
      const k20 = await testHolder(3, { issuedBy: root, keyUsage: ['keyEncipherment'] })
      const bank = await world.relyingParty({
        idaRoots: certificateToPem(root.certificate),
        idaCertificate: certificateToPem(k20.certificate),
        fetch: async (_input, init) => {
          const { transactionID } = JSON.parse(String(init!.body)) as { transactionID: string }
          const response = { authStatus: true, authToken: '1' }
          const body = JSON.stringify({ transactionID, response, errors: null })
          const headers = { 'response-signature': await signDetachedJws(signer, body) }
          return new Response(body, { headers })
        },
      })
      const asked = bank.authenticate({ id: UIN, demographics: { dob: '2000/01/01' } })
      return asked.then(
        ({ authenticated }) => authenticated,
        ({ code }: { code: string }) => code,
      )
    }
    const named = { commonName: 'IDA-SIGN', organisation: 'I' }
    for (const [what, holder] of await faultyCertificates({
      ...{ key: 2, authority: root, subject: named, now, wrongUse: ['keyEncipherment'] },
    })) {
      expect([what, await answerOf(holder)]).toEqual([what, 'CERTIFICATE_INVALID'])
    }
    expect(await answerOf(await testHolder(2, { issuedBy: root, subject: named }))).toBe(true)
  })
})

describe('at the oblivious PRF, of the partner that signed the request', () => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await openVaultWorld(SQLITE, 'keyhaven')
  })
  afterAll(() => world.dispose())

  test('expired, revoked, for another purpose, or of nobody', async () => {
    const authority = await testHolder(3, { ca: true, subject: { commonName: 'CA', organisation: 'CA' } })
    const ended = new Set<string>()
    const { state } = world.oprf!
    const server = createServedOprf({
      ...{ state, applicationId: APPLICATION, clock: world.now, issuer: { trust: () => {} } },
      moduleKeys: createLocalModuleKeys(state, APPLICATION, 'keyhaven'),
      partners: async () => ({
        asks: () => true,
        revoked: ({ thumbprint }) => ended.has(toHex(thumbprint)),
        authorities: () => ({ anchors: [authority.certificate], intermediates: [] }),
      }),
    })
    await server.keys()
    const ask = async (holder: TestHolder) => {
      const { blinded } = await blindInput(utf8('an id'))
      const request = await world.partnerRequest(holder.signer)
      const order = { element: blinded, reason: { kind: 'authentication', ...request } } as const
      return server.evaluate('token:test', 1, [order])
    }
    const subject = { commonName: 'bank', organisation: ORGANISATION }
    for (const [, holder] of await faultyCertificates({
      ...{ key: 4, authority, subject, now: world.now(), wrongUse: ['keyEncipherment'] },
    })) {
      await expect(ask(holder)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    }
    const right = await testHolder(4, { issuedBy: authority, subject })
    await ask(right)
    ended.add(toHex(right.certificate.thumbprint))
    await expect(ask(right)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    ended.clear()
    ended.add(toHex(authority.certificate.thumbprint))
    await expect(ask(right)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('of the IDA to which pool keys are wrapped (K22), at the issuer', async () => {
    const { recipients } = world.issuer
    const authority = await testHolder(3, { ca: true })
    const faulty = await faultyCertificates({
      ...{ key: 4, authority, subject: { commonName: 'K22' }, now: world.now() },
      wrongUse: ['digitalSignature'],
    })
    for (const [what, { certificate }] of faulty) {
      // An operator brings it, by whose word it is trusted.
      if (what.includes('authority')) continue
      await expect(recipients.add('ida-2', certificate.der, 'test')).rejects.toThrow(CERTIFICATE_INVALID)
    }
    const right = await testHolder(4, { issuedBy: authority })
    await recipients.add('ida-2', right.certificate.der, 'test')
    expect(await recipients.list('ida-2')).toHaveLength(1)
    world.advance(366 * 86_400_000)
    expect(await recipients.list('ida-2')).toEqual([])
    world.advance(-366 * 86_400_000)
    await recipients.remove('ida-2', toHex(right.certificate.thumbprint), 'test')
    expect(await recipients.list('ida-2')).toEqual([])
  })
})
