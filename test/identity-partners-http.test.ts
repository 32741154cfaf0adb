import { backend } from '@keyhaven/crypto'
import { certificateToPem, parseCertificate, signEncryptionKey } from '@keyhaven/identity'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { addPartnerManagerRoutes } from '../packages/server/src/identity/partners/partner-manager-routes.ts'
import { addPolicyManagerRoutes } from '../packages/server/src/identity/partners/policy-manager-routes.ts'
import { ENGINES } from './kit/engines.ts'
import {
  ADMIN_TOKEN,
  createPartnerFixture,
  MANAGER,
  type PartnerFixture,
  pathOf,
} from './kit/identity-partners.ts'
import { startOidcProvider, type TestOidcProvider } from './kit/oidc.ts'
import { signInForIdToken } from './kit/oidc-sign-in.ts'

const REDIRECT = 'http://127.0.0.1:9/callback'
const ORGANISATION = 'Bank of Inventions'
const GROUP = 'mpolicygroup-default-print'
const POLICY = 'mpolicy-default-euin'

interface Answer {
  readonly response: Record<string, unknown> | null
  readonly errors: readonly { readonly errorCode: string; readonly message: string }[] | null
}

describe('partners over HTTP, signed in at a real OpenID provider', () => {
  let provider: TestOidcProvider
  let fixture: PartnerFixture
  beforeAll(async () => {
    provider = await startOidcProvider(REDIRECT)
    const { issuer, clientId } = provider
    fixture = await createPartnerFixture(ENGINES[0]!, {
      oidc: { issuer, clientId, organisationClaim: 'organization' },
    })
    const parts = { services: fixture.services, callers: fixture.callers, clock: () => fixture.now }
    addPartnerManagerRoutes(fixture.app, parts)
    addPolicyManagerRoutes(fixture.app, parts)
  })
  afterAll(async () => {
    await fixture?.dispose()
    await provider?.close()
  })

  const signIn = (roles: readonly string[], organisation?: string): Promise<string> => {
    provider.person = { id: 'grace', roles, ...(organisation && { organisation }) }
    return signInForIdToken(provider, REDIRECT, { nonce: crypto.randomUUID(), scope: 'openid profile' })
  }
  const call = async (token: string, method: string, path: string, request?: object) => {
    const answer = await fixture.call(method, `/v1/${path}`, {
      token,
      ...(request && { body: JSON.stringify({ request }), headers: { 'content-type': 'application/json' } }),
    })
    return { status: answer.status, ...((await answer.json()) as Answer) }
  }
  const codeOf = ({ errors }: Answer) => errors?.[0]?.errorCode

  test('from registration to an API key, in MOSIP’s DTOs', async () => {
    const own = await signIn(['partner'], ORGANISATION)
    const others = await signIn(['PRINT_PARTNER'], 'Other Ltd')
    const register = {
      partnerId: 'bank-print',
      partnerType: 'Print_Partner',
      organizationName: ORGANISATION,
      policyGroup: GROUP,
    }
    expect(codeOf(await call(others, 'POST', 'partnermanager/partners', register))).toBe('PMS_PRT_055')
    const made = await call(own, 'POST', 'partnermanager/partners', register)
    expect(made.response).toEqual({ partnerId: 'bank-print', status: 'InProgress' })

    const holder = await testHolder(3, {
      issuedBy: fixture.authority,
      subject: { commonName: 'bank', organisation: ORGANISATION },
    })
    const certificate = {
      partnerId: 'bank-print',
      certificateData: certificateToPem(holder.certificate),
      partnerDomain: 'AUTH',
    }
    expect(
      codeOf(await call(others, 'POST', 'partnermanager/partners/certificate/upload', certificate)),
    ).toBe('PMS_PRT_005')
    const uploaded = await call(own, 'POST', 'partnermanager/partners/certificate/upload', certificate)
    expect(uploaded.response).toMatchObject({
      certificateId: Buffer.from(holder.certificate.thumbprint).toString('hex'),
    })
    expect(codeOf(await call(others, 'GET', 'partnermanager/partners/bank-print'))).toBe('PMS_PRT_005')
    expect((await call(others, 'GET', 'partnermanager/partners')).response).toEqual({ partners: [] })

    const mapping = { policyName: POLICY, useCaseDescription: 'cards' }
    const asked = await call(own, 'POST', 'partnermanager/partners/bank-print/policy/map', mapping)
    const approve = `partnermanager/partners/policy/${asked.response!.mappingkey}`
    expect(codeOf(await call(own, 'PUT', approve, { status: 'Approved' }))).toBe('PMS_PRT_055')
    expect(codeOf(await call(ADMIN_TOKEN, 'PUT', approve, { status: 'Perhaps' }))).toBe('PMS_COR_002')
    expect((await call(ADMIN_TOKEN, 'PUT', approve, { status: 'Approved' })).errors).toBe(null)
    expect(
      (await call(ADMIN_TOKEN, 'PATCH', 'partnermanager/partners/bank-print', { status: 'Active' })).errors,
    ).toBe(null)
    const key = await call(own, 'PATCH', 'partnermanager/partners/bank-print/generate/apikey', {
      policyName: POLICY,
      label: 'one',
    })
    expect(key.response).toMatchObject({ label: 'one', policyId: POLICY, partnerId: 'bank-print' })
    const off = 'partnermanager/partners/bank-print/policy/mpolicy-default-euin/apiKey/status'
    expect((await call(own, 'PATCH', off, { label: 'one', status: 'De-Active' })).errors).toBe(null)
    expect(
      (await call(own, 'GET', `policymanager/policies/${POLICY}/partner/bank-print`)).response,
    ).toMatchObject({ policyId: POLICY, version: '1' })
  })

  test('a partner registers the key that data is sealed to, signed by that of its certificate', async () => {
    const own = await signIn(['partner'], ORGANISATION)
    const path = 'partnermanager/partners/bank-print/encryption-key'
    const { publicKey } = await backend.kem.generateKeyPair('x-wing')
    const statementBy = async (key: number) => {
      const holder = await testHolder(key, { subject: { commonName: 'x', organisation: ORGANISATION } })
      const [row] = await fixture.services.store.reads.certificates.list({ partnerId: 'bank-print' })
      const signer = { ...holder.signer, certificate: parseCertificate(row!.certificate) }
      return signEncryptionKey(signer, 'bank-print', publicKey.bytes)
    }
    const strange = await call(own, 'POST', path, { statement: await statementBy(4) })
    expect(strange.errors).not.toBe(null)
    const statement = await statementBy(3)
    const others = await signIn(['partner'], 'Other Ltd')
    expect(codeOf(await call(others, 'POST', path, { statement }))).toBe('PMS_PRT_005')
    expect((await call(own, 'POST', path, { statement })).response).toMatchObject({
      partnerId: 'bank-print',
    })
    const { encryptionKey } = (await fixture.services.store.reads.partners.get('bank-print'))!
    expect(encryptionKey).toEqual(publicKey.bytes)
  })

  test('a partner reads its own shares, and no other’s', async () => {
    const { url } = await fixture.datashare.create({
      ...{
        policyId: POLICY,
        subscriberId: 'bank-print',
        data: new Uint8Array([1, 2, 3]),
        actor: 'token:service',
      },
    })
    const others = await signIn(['partner'], 'Other Ltd')
    expect(codeOf(await call(others, 'GET', pathOf(url).slice('/v1/'.length)))).toBe('KER-ATH-403')
    const own = await signIn(['partner'], ORGANISATION)
    expect((await fixture.call('GET', pathOf(url), { token: own })).headers.get('signature')).not.toBe(null)
    const byCookie = await fixture.call('GET', pathOf(url), {
      headers: { cookie: `a=b; Authorization=${own}` },
    })
    expect(byCookie.headers.get('content-type')).toBe('application/octet-stream')
    for (const site of ['cross-site', 'same-site']) {
      const fromOtherPage = await fixture.call('GET', pathOf(url), {
        headers: { cookie: `Authorization=${own}`, 'sec-fetch-site': site },
      })
      expect(codeOf((await fromOtherPage.json()) as Answer)).toBe('KER-ATH-401')
    }
    expect(codeOf(await call(own, 'GET', pathOf(url).slice('/v1/'.length)))).toBe('DAT-SER-006')
    expect((await fixture.audit('share.read')).at(-1)!.actor).toBe(`oidc:${provider.issuer}#grace`)
  })

  test('a service creates a share by a multipart form; a partner cannot', async () => {
    const form = () => {
      const body = new FormData()
      body.set('file', new File(['some data'], 'packet.bin'))
      return body
    }
    const path = `/v1/datashare/create/${POLICY}/bank-print`
    const made = (await (await fixture.call('POST', path, { token: ADMIN_TOKEN, body: form() })).json()) as {
      dataShare: { url: string; transactionsAllowed: number }
    }
    expect(made.dataShare).toMatchObject({ transactionsAllowed: 2, subscriberId: 'bank-print' })
    const own = await signIn(['partner'], ORGANISATION)
    expect(
      codeOf((await (await fixture.call('POST', path, { token: own, body: form() })).json()) as Answer),
    ).toBe('KER-ATH-403')
    const empty = await fixture.call('POST', path, { token: ADMIN_TOKEN, body: new FormData() })
    expect(codeOf((await empty.json()) as Answer)).toBe('DAT-SER-003')
  })

  test('a sign-in without a partner’s role or organisation, or none at all, gives nothing', async () => {
    const refused = async (token: string) => {
      const answer = await call(token, 'GET', 'partnermanager/partners')
      expect([answer.status, codeOf(answer)]).toEqual([403, 'KER-ATH-403'])
    }
    await refused(await signIn(['admin'], ORGANISATION))
    await refused(await signIn(['partner']))
    const forged = (await signIn(['partner'], ORGANISATION)).split('.')
    const payload = JSON.parse(Buffer.from(forged[1]!, 'base64url').toString())
    forged[1] = Buffer.from(JSON.stringify({ ...payload, organization: 'Other Ltd' })).toString('base64url')
    for (const token of [forged.join('.'), 'kh_unknown', 'a.b.c']) {
      expect((await call(token, 'GET', 'partnermanager/partners')).status).toBe(401)
    }
    expect((await fixture.call('GET', '/v1/partnermanager/partners')).status).toBe(401)
    const { token } = await fixture.tokens.create(
      { name: 'auditor', roles: ['auditor'], expiresAt: null },
      'token:admin',
    )
    await refused(token)
  })

  test('policies are written, checked and published in MOSIP’s DTOs', async () => {
    const group = await call(ADMIN_TOKEN, 'POST', 'policymanager/policies/group/new', {
      name: 'tests',
      desc: 'of tests',
    })
    expect(group.response).toMatchObject({ id: 'tests' })
    const { body } = (await fixture.services.store.reads.policies.get(POLICY))!
    const policies = JSON.parse(body)
    const define = {
      policyId: 'p1',
      policyGroupName: 'tests',
      policyType: 'DataShare',
      name: 'p1',
      desc: '',
      policies,
    }
    const bad = structuredClone(define)
    bad.policies.shareableAttributes[2].source = []
    const refused = await call(ADMIN_TOKEN, 'POST', 'policymanager/policies', bad)
    expect(refused.errors![0]!.message).toBe('/shareableAttributes/2/source: expected at least one item')
    expect((await call(ADMIN_TOKEN, 'POST', 'policymanager/policies', define)).errors).toBe(null)
    expect(
      (await call(ADMIN_TOKEN, 'POST', 'policymanager/policies/p1/group/tests/publish', {})).response,
    ).toMatchObject({
      ...{ policyId: 'p1', status: 'ACTIVE', version: '1' },
    })
    expect(
      await fixture.services.decisions
        .decide({ partnerId: 'bank-print', policyId: 'p1', action: 'share.create', actor: MANAGER.actor })
        .catch((error) => error.code),
    ).toBe('POLICY_REFUSED')
  })
})
