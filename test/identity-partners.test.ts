import { createPrivateKey, createPublicKey } from 'node:crypto'
import { backend, toHex } from '@keyhaven/crypto'
import { certificateToPem, DEFAULT_POLICIES, parsePolicy } from '@keyhaven/identity'
import { hashPartnerKey } from '@keyhaven/identity/service'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SMALL_KEY_PKCS8, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import { createPartnerFixture, MANAGER, type PartnerFixture } from './kit/identity-partners.ts'

/** What a test changes of a policy, whatever its shape. */
// biome-ignore lint/suspicious/noExplicitAny: a policy that is wrong has no type
type Loose = any
const SMALL_KEY = createPrivateKey({ key: SMALL_KEY_PKCS8, format: 'der', type: 'pkcs8' })
const DAY_MS = 86_400_000
const LIMITS = { unlimitedReads: false }
const GROUP = 'mpolicygroup-default-relying-party'
const POLICY = 'mpolicy-default-relying-party'
const SHARE_GROUP = 'mpolicygroup-default-print'
const SHARE_POLICY = 'mpolicy-default-euin'

describe('policies', () => {
  const good = () =>
    structuredClone(DEFAULT_POLICIES.find(({ id }) => id === 'mpolicy-default-euin')!.document) as Loose
  const refusal = (change: (policy: Loose) => void, limits = LIMITS): string => {
    const policy = good()
    change(policy)
    try {
      parsePolicy('DataShare', policy, limits)
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }

  test('MOSIP’s own are valid', () => {
    for (const { type, document } of DEFAULT_POLICIES) {
      expect(parsePolicy(type, document, LIMITS)).toEqual(parsePolicy(type, JSON.stringify(document), LIMITS))
    }
  })

  test.each<[string, (policy: Loose) => void, RegExp]>([
    ['no rules', (p) => delete p.dataSharePolicies, /^\/dataSharePolicies: expected a value/],
    ['another member', (p) => (p.extra = 1), /^\/extra: expected no such member/],
    [
      'a misspelt filter',
      (p) => (p.shareableAttributes[0].source[0].filters = []),
      /^\/shareableAttributes\/0\/source\/0\/filters: expected filter/,
    ],
    [
      'a number that is none',
      (p) => (p.dataSharePolicies.validForInMinutes = 'soon'),
      /^\/dataSharePolicies\/validForInMinutes: expected a whole number from 1/,
    ],
    [
      'no reads',
      (p) => (p.dataSharePolicies.transactionsAllowed = '0'),
      /^\/dataSharePolicies\/transactionsAllowed/,
    ],
    ['unlimited reads', (p) => (p.dataSharePolicies.transactionsAllowed = '-1'), /allows no unlimited ones/],
    [
      'attributes in the clear',
      (p) => (p.dataSharePolicies.encryptionType = 'none'),
      /^\/dataSharePolicies\/encryptionType: expected "Partner Based"/,
    ],
    [
      'another encryption',
      (p) => (p.dataSharePolicies.encryptionType = 'rot13'),
      /"Partner Based" or "none"/,
    ],
    [
      'encrypted as a text',
      (p) => (p.shareableAttributes[1].encrypted = 'true'),
      /^\/shareableAttributes\/1\/encrypted: expected true or false/,
    ],
    [
      'an attribute twice',
      (p) => (p.shareableAttributes[1].attributeName = 'fullName'),
      /^\/shareableAttributes\/1\/attributeName/,
    ],
    [
      'a format of nothing',
      (p) => (p.shareableAttributes[1].format = 'hidden'),
      /^\/shareableAttributes\/1\/format/,
    ],
    [
      'an empty filter',
      (p) => (p.shareableAttributes[0].source[0].filter = []),
      /^\/shareableAttributes\/0\/source\/0\/filter: expected at least one/,
    ],
  ])('%s', (_name, change, reason) => {
    expect(refusal(change)).toMatch(reason)
  })

  test('unlimited reads where they are configured; no value is in a refusal', () => {
    const unlimited = (policy: Loose) => (policy.dataSharePolicies.transactionsAllowed = '-1')
    expect(refusal(unlimited, { unlimitedReads: true })).toBe('accepted')
    expect(() => parsePolicy('DataShare', '{"a": secret}', LIMITS)).toThrow(/^the document: expected JSON/)
    expect(refusal((policy) => (policy.dataSharePolicies.source = { secret: 1 }))).not.toContain('secret')
  })
})

describe.each(ENGINES)('partners on $name', (engine) => {
  let fixture: PartnerFixture
  beforeAll(async () => {
    fixture = await createPartnerFixture(engine)
  })
  afterAll(() => fixture?.dispose())

  const decide = (partnerId: string, policyId = SHARE_POLICY) =>
    fixture.services.decisions.decide({
      ...{ partnerId, policyId, action: 'share.create', actor: 'token:service' },
    })
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'allowed',
      (error) => error.code,
    )
  const upload = async (id: string, pem: string) => {
    try {
      await fixture.services.certificates.uploadCertificate(id, pem, MANAGER)
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    }
  }

  describe('a certificate is refused at its upload', () => {
    const organisation = 'Bank of Inventions'
    const subject = { commonName: 'bank', organisation }
    beforeAll(async () => {
      await fixture.services.partners.register(
        { id: 'bank', type: 'Credential_Partner', organisation, groupId: SHARE_GROUP },
        MANAGER,
      )
    })

    test('for another organisation, dates, size, use, chain or kind', async () => {
      const { authority, now } = fixture
      const pem = async (over: Parameters<typeof testHolder>[1]) =>
        certificateToPem((await testHolder(3, { subject, issuedBy: authority, ...over })).certificate)
      expect(
        await upload('bank', await pem({ subject: { commonName: 'bank', organisation: 'Other' } })),
      ).toContain('organisation')
      expect(await upload('bank', await pem({ notAfter: now - DAY_MS / 2 }))).toContain('expired')
      expect(await upload('bank', await pem({ notBefore: now + DAY_MS / 2 }))).toContain('not valid yet')
      expect(await upload('bank', await pem({ keyUsage: ['keyCertSign'] }))).toContain('not meant to sign')
      expect(await upload('bank', await pem({ ca: true }))).toContain('authority')
      const stranger = await testHolder(4, { ca: true, subject: { commonName: 'Nobody', organisation } })
      expect(await upload('bank', await pem({ issuedBy: stranger }))).toContain('no chain')
      const spki = new Uint8Array(createPublicKey(SMALL_KEY).export({ format: 'der', type: 'spki' }))
      expect(await upload('bank', await pem({ publicKey: { modulusBits: 1_024, spki } }))).toContain('2048')
      expect(await upload('bank', 'no certificate')).toContain('certificate')
      expect(await upload('bank', await pem({}))).toBe('accepted')
      expect((await fixture.services.store.reads.certificates.list({ partnerId: 'bank' })).length).toBe(1)
    })
  })

  test('a partner gets nothing before it is active, has a certificate, and somebody approved', async () => {
    const { services } = fixture
    expect(await code(decide('bank'))).toBe('POLICY_REFUSED')
    await services.partners.setActive('bank', true, 'a test', MANAGER)
    expect(await code(decide('bank'))).toBe('POLICY_REFUSED')
    const asked = await services.partners.requestPolicy(
      { partnerId: 'bank', policyId: SHARE_POLICY, purpose: 'loans' },
      MANAGER,
    )
    expect(await code(decide('bank'))).toBe('POLICY_REFUSED')
    const refused = await services.partners.decideSubscription(
      asked.id,
      { approve: false, reason: 'too vague' },
      MANAGER,
    )
    expect([refused.state, refused.reason]).toEqual(['refused', 'too vague'])
    await fixture.subscribe('bank', SHARE_POLICY)
    expect(await decide('bank')).toMatchObject({
      partner: { id: 'bank' },
      policy: { id: SHARE_POLICY, version: 1 },
    })
    expect(await code(decide('bank', POLICY))).toBe('POLICY_REFUSED')
    expect(await code(decide('nobody'))).toBe('POLICY_REFUSED')
    const refusals = await fixture.audit('partner.refuse')
    expect(refusals.length).toBeGreaterThanOrEqual(5)
    expect(refusals.at(-1)).toMatchObject({
      actor: 'token:service',
      subject: 'nobody',
      detail: { for: 'share.create' },
    })
  })

  test('an API key is shown once, kept as a hash, ends and can be revoked', async () => {
    const { partners, store } = fixture.services
    const wanted = { partnerId: 'lender', policyId: POLICY, label: 'first', days: 2 }
    await fixture.partner('lender', 'Auth_Partner', { groupId: GROUP })
    expect(await code(partners.issueApiKey(wanted, MANAGER))).toBe('POLICY_REFUSED')
    await fixture.subscribe('lender', POLICY)
    expect(await code(decide('lender', POLICY))).toBe('POLICY_REFUSED')
    const { key, record } = await partners.issueApiKey(wanted, MANAGER)
    expect(Buffer.from(key, 'base64url')).toHaveLength(32)
    const stored = (await store.reads.apiKeys.get(record.id))!
    expect(toHex(stored.keyHash)).toBe(toHex(await hashPartnerKey(backend, key)))
    expect(stored.expiresAt - fixture.now).toBe(2 * DAY_MS)
    expect(JSON.stringify(await fixture.audit())).not.toContain(key)
    expect(await code(partners.issueApiKey(wanted, MANAGER))).toBe('CONFLICT')
    expect((await partners.revokeApiKey(record.id, 'lost', MANAGER)).state).toBe('revoked')
    expect(await code(partners.issueApiKey({ ...wanted, days: 0 }, MANAGER))).toBe('INPUT_INVALID')
  })

  test('licence keys are for a MISP', async () => {
    const { partners } = fixture.services
    expect(await code(partners.issueLicence({ partnerId: 'bank' }, MANAGER))).toBe('POLICY_REFUSED')
    await fixture.services.policies.defineGroup({ id: 'misp', name: 'misp', description: '' }, MANAGER)
    await fixture.partner('network', 'MISP_Partner', { groupId: 'misp' })
    const { key, record } = await partners.issueLicence({ partnerId: 'network', days: 30 }, MANAGER)
    expect([key.length, record.state]).toEqual([43, 'active'])
    expect((await partners.revokeLicence(record.id, 'a test', MANAGER)).state).toBe('revoked')
  })

  describe('what was good at the upload is checked at each use', () => {
    test('the certificate ends', async () => {
      const before = fixture.now
      expect(await code(decide('bank'))).toBe('allowed')
      fixture.now += 366 * DAY_MS
      expect(await code(decide('bank'))).toBe('CERTIFICATE_INVALID')
      fixture.now = before
    })

    test('the stored certificate was changed', async () => {
      const [row] = await fixture.services.store.reads.certificates.list({
        partnerId: 'bank',
        state: 'active',
      })
      const { certificate } = await testHolder(5, {
        subject: { commonName: 'x', organisation: 'Bank of Inventions' },
        issuedBy: fixture.authority,
      })
      const put = (der: Uint8Array) =>
        fixture.services.store.transaction((tx) => tx.certificates.put({ ...row!, certificate: der }))
      await put(certificate.der)
      expect(await code(decide('bank'))).toBe('CERTIFICATE_INVALID')
      await put(row!.certificate)
      expect(await code(decide('bank'))).toBe('allowed')
    })

    test('the policy, its group, its end', async () => {
      const { policies } = fixture.services
      await policies.setGroupActive(SHARE_GROUP, false, MANAGER)
      expect(await code(decide('bank'))).toBe('POLICY_REFUSED')
      await policies.setGroupActive(SHARE_GROUP, true, MANAGER)
      const { body } = (await fixture.services.store.reads.policies.get(SHARE_POLICY))!
      await policies.revise(SHARE_POLICY, { document: body }, MANAGER)
      await policies.publish(SHARE_POLICY, fixture.now + 1_000, MANAGER)
      expect(await decide('bank')).toMatchObject({ policy: { version: 2 } })
      fixture.now += 1_000
      expect(await code(decide('bank'))).toBe('POLICY_REFUSED')
      const narrower = { ...JSON.parse(body), shareableAttributes: [] }
      await policies.revise(SHARE_POLICY, { document: narrower }, MANAGER)
      await policies.publish(SHARE_POLICY, null, MANAGER)
      expect((await decide('bank')).policy.body.shareableAttributes).toEqual([])
      expect(
        (await fixture.services.store.reads.policyVersions.list({ policyId: SHARE_POLICY })).map(
          ({ version }) => version,
        ),
      ).toEqual([1, 2, 3])
    })

    test('an authority that is revoked takes all that it stands above with it', async () => {
      const { certificates, store } = fixture.services
      const root = await testHolder(6, {
        ca: true,
        subject: { commonName: 'Second Root', organisation: 'R' },
      })
      const middle = await testHolder(7, {
        ca: true,
        issuedBy: root,
        subject: { commonName: 'Middle', organisation: 'M' },
      })
      const leaf = await testHolder(3, {
        issuedBy: middle,
        subject: { commonName: 'bank', organisation: 'Bank of Inventions' },
      })
      await expect(
        certificates.uploadAuthorities('AUTH', certificateToPem(middle.certificate), MANAGER),
      ).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
      await certificates.uploadAuthorities(
        'AUTH',
        certificateToPem(middle.certificate) + certificateToPem(root.certificate),
        MANAGER,
      )
      expect(await upload('bank', certificateToPem(leaf.certificate))).toBe('accepted')
      expect(await code(decide('bank'))).toBe('allowed')
      await certificates.revokeAuthority(toHex(middle.certificate.thumbprint), 'a test', MANAGER)
      expect(await code(decide('bank'))).toBe('CERTIFICATE_INVALID')
      expect((await store.reads.certificates.get(toHex(leaf.certificate.thumbprint)))!.state).toBe('revoked')
      expect(await upload('bank', certificateToPem(leaf.certificate))).toContain('before')
      const again = await testHolder(8, {
        issuedBy: middle,
        subject: { commonName: 'bank', organisation: 'Bank of Inventions' },
      })
      expect(await upload('bank', certificateToPem(again.certificate))).toContain('revoked')
    })
  })

  test('who approves is a manager: a partner’s own people cannot', async () => {
    const { partners, policies, certificates } = fixture.services
    const own = { actor: 'oidc:x#y', organisation: 'Bank of Inventions' }
    const others = { actor: 'oidc:x#z', organisation: 'Other Ltd' }
    const [subscription] = await fixture.services.store.reads.subscriptions.list({
      partnerId: 'bank',
      state: 'approved',
    })
    expect(
      await code(partners.decideSubscription(subscription!.id, { approve: true, reason: 'me' }, own)),
    ).toBe('ACCESS_DENIED')
    expect(await code(partners.setActive('bank', true, 'me', own))).toBe('ACCESS_DENIED')
    expect(await code(policies.publish(POLICY, null, own))).toBe('ACCESS_DENIED')
    expect(
      await code(
        certificates.uploadAuthorities('AUTH', certificateToPem(fixture.authority.certificate), own),
      ),
    ).toBe('ACCESS_DENIED')
    expect(await code(partners.endSubscription(subscription!.id, 'mine', others))).toBe('NOT_FOUND')
    expect(await code(partners.setWebhook('bank', { url: '', secret: null }, others))).toBe('NOT_FOUND')
    expect(
      await code(
        partners.register({ id: 'b2', type: 'Auth_Partner', organisation: 'Other', groupId: GROUP }, own),
      ),
    ).toBe('ACCESS_DENIED')
    expect((await partners.endSubscription(subscription!.id, 'no more', own)).state).toBe('ended')
    expect(await code(decide('bank'))).not.toBe('allowed')
  })
})
