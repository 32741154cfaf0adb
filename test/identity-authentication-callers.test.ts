import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toBase64url, toHex } from '../packages/crypto/src/node/index.ts'
import { type PartnerUpdate, signDetachedJws } from '../packages/identity/src/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  type Body,
  FULL_MISP,
  handMadeAuthRequests,
  MINUTE_MS,
  type Sent,
  UIN,
} from './kit/hand-made-auth-requests.ts'
import {
  API_KEY,
  type AuthWorld,
  EVERYTHING,
  LICENCE_KEY,
  openAuthWorld,
  PARTNER_ID,
  POLICY_ID,
  sha256Hex,
} from './kit/identity-authentication.ts'

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld(ENGINES[0]!, 'mosip')
  await world.vault.enrol(UIN)
})
afterAll(() => world.dispose())
beforeEach(async () => {
  await world.tell()
})

const { requestBody, send, misp } = handMadeAuthRequests(() => world)

describe('who calls', () => {
  test('a right request is answered', async () => {
    expect((await send(await requestBody())).answer.response).toMatchObject({ authStatus: true })
  })

  test.each([
    ['another licence key', { licence: 'x' }, 'IDA-MPA-007'],
    ['another partner', { partner: 'bank-2' }, 'IDA-MPA-009'],
    ['a partner that is no relying party', { partner: 'misp-1' }, 'IDA-MPA-009'],
    ['another API key', { apiKey: 'x' }, 'IDA-MPA-014'],
    ['the licence key for the API key', { apiKey: LICENCE_KEY }, 'IDA-MPA-014'],
  ])('%s is refused', async (_what, keys, code) => {
    expect((await send(await requestBody(), { keys })).codes).toEqual([code])
  })

  test('a stranger’s body is not parsed, but its transaction is named', async () => {
    const body = await requestBody()
    const text = (json: string) => json.slice(0, -1) + ',"x":'.concat('['.repeat(1_000_000))
    const { codes, answer } = await send(body, { keys: { licence: 'x' }, text })
    expect({ codes, transactionID: answer.transactionID }).toEqual({
      codes: ['IDA-MPA-007'],
      transactionID: body.transactionID,
    })
  })

  test.each<[string, () => Partial<PartnerUpdate>, string]>([
    [
      'an inactive partner',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Invented Bank', profile: 'mosip' },
          active: false,
        },
      }),
      'IDA-MPA-012',
    ],
    [
      'a partner of the other profile',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Invented Bank', profile: 'keyhaven' },
          active: true,
        },
      }),
      'IDA-MPA-009',
    ],
    [
      'a certificate of another organisation',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Other Bank', profile: 'mosip' },
          active: true,
        },
      }),
      'IDA-MPA-002',
    ],
    [
      'a revoked API key',
      () => ({
        apiKeys: [
          {
            hash: sha256Hex(API_KEY),
            policyId: POLICY_ID,
            active: false,
            expiresAt: world.vault.now() + 1_000,
          },
        ],
      }),
      'IDA-MPA-019',
    ],
    [
      'an expired API key',
      () => ({
        apiKeys: [
          { hash: sha256Hex(API_KEY), policyId: POLICY_ID, active: true, expiresAt: world.vault.now() },
        ],
      }),
      'IDA-MPA-019',
    ],
    ['no policy any more', () => ({ policies: [] }), 'IDA-MPA-019'],
    [
      'a policy that has ended',
      () => ({
        policies: [
          { id: POLICY_ID, version: 1, validUntil: world.vault.now(), type: 'Auth', body: EVERYTHING },
        ],
      }),
      'IDA-MPA-019',
    ],
    ['no certificate', () => ({ certificate: null }), 'IDA-MPA-020'],
  ])('%s is refused', async (_what, change, code) => {
    await world.tell(change())
    expect((await send(await requestBody())).codes).toEqual([code])
  })

  test('a certificate that was revoked, has expired, is for encryption only or of a stranger is refused', async () => {
    const subject = { commonName: PARTNER_ID, organisation: 'Invented Bank' }
    const now = world.vault.now()
    const made = {
      expired: await testHolder(4, { issuedBy: world.authority, subject, notAfter: now - 1_000 }),
      early: await testHolder(4, { issuedBy: world.authority, subject, notBefore: now + MINUTE_MS }),
      encryption: await testHolder(4, { issuedBy: world.authority, subject, keyUsage: ['keyEncipherment'] }),
      stranger: await testHolder(4, { issuedBy: await testHolder(6, { ca: true }), subject }),
    }
    for (const { certificate, signer } of Object.values(made)) {
      await world.tell({ certificate: { der: toBase64url(certificate.der), chain: [] } })
      const body = await requestBody()
      const signature = await signDetachedJws(signer, JSON.stringify(body))
      expect((await send(body, { signature })).codes).toEqual(['IDA-MPA-002'])
    }
    await world.tell()
    await world.tellOfAuthorities({ revoked: [toHex(world.partner.certificate.thumbprint)] })
    expect((await send(await requestBody())).codes).toEqual(['IDA-MPA-002'])
    await world.tellOfAuthorities()
    expect((await send(await requestBody())).codes).toEqual([])
  })

  test('a licence that was revoked, has ended or does not cover eKYC is refused', async () => {
    const codesWith = async (update: PartnerUpdate, kind = 'auth') => {
      await world.store.savePartner(update)
      return (await send(await requestBody(), { kind })).codes
    }
    const [licence] = misp().licences
    expect(await codesWith(misp({ licences: [{ ...licence!, active: false }] }))).toEqual(['IDA-MPA-017'])
    const ended = { ...licence!, expiresAt: world.vault.now() }
    expect(await codesWith(misp({ licences: [ended] }))).toEqual(['IDA-MPA-008'])
    expect(await codesWith(misp({ policies: [] }))).toEqual(['IDA-MPA-017'])
    expect(await codesWith(misp(), 'kyc')).toEqual(['IDA-MPA-017'])
    expect(await codesWith(misp())).toEqual([])
  })
})

describe('the signature', () => {
  test.each<[string, (body: Body) => Promise<Sent>, string]>([
    ['none', async () => ({ signature: null }), 'IDA-MPA-001'],
    [
      'of another text',
      async (body) => ({ text: (text) => text.replace(String(body.transactionID), 'TXN') }),
      'IDA-MPA-001',
    ],
    ['with a space more in the text', async () => ({ text: (text) => `${text} ` }), 'IDA-MPA-001'],
    [
      'without a certificate',
      async (body) => ({
        signature: await signDetachedJws(world.partner.signer, JSON.stringify(body), { x5c: false }),
      }),
      'IDA-MPA-022',
    ],
    [
      'by another certificate of the same authority',
      async (body) => {
        const { signer } = await testHolder(5, { issuedBy: world.authority })
        return { signature: await signDetachedJws(signer, JSON.stringify(body)) }
      },
      'IDA-MPA-021',
    ],
  ])('%s is refused', async (_what, how, code) => {
    const body = await requestBody()
    expect((await send(body, await how(body))).codes).toEqual([code])
  })
})

describe('the policy', () => {
  const only = (types: readonly string[], mandatory: readonly string[] = []): Partial<PartnerUpdate> => ({
    policies: [
      {
        ...{ id: POLICY_ID, version: 2, validUntil: null, type: 'Auth' },
        body: {
          ...EVERYTHING,
          allowedAuthTypes: types.map((authType) => ({
            ...{ authType, authSubType: '', mandatory: mandatory.includes(authType) },
          })),
        },
      },
    ],
  })

  test.each<[string, Partial<PartnerUpdate>, string, string]>([
    ['demographics', only(['otp', 'bio']), 'auth', 'IDA-MPA-006'],
    ['eKYC', only(['demo']), 'kyc', 'IDA-MPA-013'],
    ['one-time passwords', only(['demo']), 'otp', 'IDA-MPA-005'],
    ['demographics without the OTP that is mandatory', only(['demo', 'otp'], ['otp']), 'auth', 'IDA-MPA-015'],
  ])('%s that it does not allow are refused', async (_what, change, kind, code) => {
    await world.tell(change)
    await world.store.savePartner(misp(FULL_MISP))
    const body = await requestBody({ id: `mosip.identity.${kind}`, otpChannel: ['EMAIL'] })
    expect((await send(body, { kind })).codes).toEqual([code])
  })
})
