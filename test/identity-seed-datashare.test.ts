import { backend, fromUtf8, utf8 } from '@keyhaven/crypto'
import {
  type CbeffRecord,
  fromAnyBase64,
  openHybrid,
  openShare,
  type PartnerType,
  signRead,
  verifyShare,
} from '@keyhaven/identity'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createShareStore } from '../packages/server/src/identity/datashare/share-store.ts'
import { ENGINES } from './kit/engines.ts'
import {
  ADMIN_TOKEN,
  APPLICATION,
  createPartnerFixture,
  LISTENER_URL,
  MANAGER,
  type PartnerFixture,
  pathOf,
  registerEncryptionKey,
} from './kit/identity-partners.ts'

const READ_PROOF = 'keyhaven-partner-proof'
const TRUST_ANYBODY = { trust: () => {} }
/** The seed's partners, each with MOSIP's policy for it. */
const SUBSCRIBERS: readonly (readonly [id: string, type: PartnerType, policy: string, group: string])[] = [
  ['abis', 'ABIS_Partner', 'mpolicy-default-abis', 'mpolicygroup-default-abis'],
  ['print', 'Print_Partner', 'mpolicy-default-euin', 'mpolicygroup-default-print'],
  [
    'adjudication',
    'Manual_Adjudication',
    'mpolicy-default-adjudication',
    'mpolicygroup-default-adjudication',
  ],
  ['ida', 'Online_Verification_Partner', 'mpolicy-default-auth', 'mpolicygroup-default-auth'],
  ['resident', 'Credential_Partner', 'mpolicy-default-resident', 'mpolicygroup-default-resident'],
]
const PERSON = utf8('{"fullName":"Invented Person Seven"}')

describe.each(ENGINES)('datashare on $name', (engine) => {
  let fixture: PartnerFixture
  beforeAll(async () => {
    fixture = await createPartnerFixture(engine)
  })
  afterAll(() => fixture?.dispose())

  const create = (subscriberId: string, policyId: string, data = PERSON) =>
    fixture.datashare.create({ policyId, subscriberId, data, actor: 'token:service' })
  const read = (url: string, headers?: Record<string, string>) =>
    fixture.call('GET', pathOf(url), { token: ADMIN_TOKEN, ...(headers && { headers }) })
  const codeOf = async (answer: Response) =>
    ((await answer.json()) as { errors: { errorCode: string }[] }).errors[0]!.errorCode

  describe('data shared with all partners is encrypted using their public key', () => {
    test.each(SUBSCRIBERS)('%s', async (id, type, policyId, groupId) => {
      const { holder } = await fixture.partner(id, type, { groupId })
      await fixture.subscribe(id, policyId)
      const share = await create(id, policyId)
      expect(share).toMatchObject({
        policyId,
        subscriberId: id,
        validForInMinutes: 30,
        transactionsAllowed: 2,
      })
      expect(
        share.url.startsWith(`${LISTENER_URL}/v1/datashare/get/${policyId}/${id}/${id}${policyId}20`),
      ).toBe(true)

      const answer = await read(share.url)
      const bytes = new Uint8Array(await answer.arrayBuffer())
      expect(answer.status).toBe(200)
      expect(Buffer.from(bytes).includes('Invented')).toBe(false)
      const data = await openHybrid(backend, holder.opener, fromAnyBase64(fromUtf8(bytes)))
      expect(data).toEqual(PERSON)
      const jwt = answer.headers.get('signature')!
      expect(await verifyShare(backend, { jwt, data, keyId: id }, TRUST_ANYBODY)).toMatchObject({
        filename: 'data',
      })
      await expect(verifyShare(backend, { jwt, data, keyId: 'another' }, TRUST_ANYBODY)).rejects.toThrow(
        'signature',
      )
    })

    test('nobody else’s key opens it', async () => {
      const share = await create('abis', 'mpolicy-default-abis')
      const sealed = fromAnyBase64(await (await read(share.url)).text())
      const opened = openHybrid(backend, fixture.authority.opener, sealed)
      await expect(opened).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    })
  })

  test('50 reads at once give exactly as many answers as the policy allows', async () => {
    const { url } = await create('print', 'mpolicy-default-euin')
    const answers = await Promise.all(Array.from({ length: 50 }, () => read(url)))
    const data = answers.filter(({ headers }) => headers.get('content-type') === 'application/octet-stream')
    expect(data).toHaveLength(2)
    const codes = await Promise.all(answers.filter((answer) => !data.includes(answer)).map(codeOf))
    expect(codes).toEqual(Array.from({ length: 48 }, () => 'DAT-SER-006'))
    for (const answer of data) await answer.body!.cancel()
    const refusals = (await fixture.audit('share.refuse')).filter(
      ({ detail }) => 'code' in detail && detail.code === 'SHARE_SPENT',
    )
    expect(refusals.length).toBeGreaterThanOrEqual(48)
  })

  test('it ends after so many minutes, whether it was read or not', async () => {
    const { url } = await create('print', 'mpolicy-default-euin')
    fixture.now += 30 * 60_000 - 1
    expect((await read(url)).headers.get('content-type')).toBe('application/octet-stream')
    fixture.now += 1
    expect(await codeOf(await read(url))).toBe('DAT-SER-006')
  })

  test('parts of a started read count once, for its caller and for five minutes', async () => {
    const { url } = await create('print', 'mpolicy-default-euin')
    const whole = await (await read(url)).text()
    const part = await read(url, { range: 'bytes=10-19' })
    expect([part.status, await part.text()]).toEqual([206, whole.slice(10, 20)])
    expect(part.headers.get('content-range')).toBe(`bytes 10-19/${whole.length}`)
    expect((await read(url, { range: 'bytes=20-' })).status).toBe(206)
    // Another caller begins a read of its own: the second, and last.
    const { token } = await fixture.tokens.create(
      { name: `other-${engine.dialect}`, roles: ['identity-service'], expiresAt: null },
      'token:admin',
    )
    expect((await fixture.call('GET', pathOf(url), { token, headers: { range: 'bytes=0-9' } })).status).toBe(
      206,
    )
    expect(await codeOf(await read(url))).toBe('DAT-SER-006')
    expect((await read(url, { range: 'bytes=30-' })).status).toBe(206)
    fixture.now += 300_000
    expect(await codeOf(await read(url, { range: 'bytes=30-' }))).toBe('DAT-SER-006')
  })

  describe('partner, certificate, policy and subscription are checked again at each read', () => {
    test('a partner that was made inactive', async () => {
      const { url } = await create('abis', 'mpolicy-default-abis')
      await fixture.services.partners.setActive('abis', false, 'a test', MANAGER)
      expect(await codeOf(await read(url))).toBe('DAT-SER-007')
      await expect(create('abis', 'mpolicy-default-abis')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
      await fixture.services.partners.setActive('abis', true, 'a test', MANAGER)
      expect((await read(url)).headers.get('content-type')).toBe('application/octet-stream')
    })

    test('a policy that was made inactive, and one that was published anew', async () => {
      const id = 'mpolicy-default-adjudication'
      const { url } = await create('adjudication', id)
      await fixture.services.policies.setActive(id, false, MANAGER)
      expect(await codeOf(await read(url))).toBe('DAT-SER-007')
      await fixture.services.policies.setActive(id, true, MANAGER)
      expect((await read(url)).status).toBe(200)
      const { body } = (await fixture.services.store.reads.policies.get(id))!
      await fixture.services.policies.revise(id, { document: body }, MANAGER)
      await fixture.services.policies.publish(id, null, MANAGER)
      expect(await codeOf(await read(url))).toBe('DAT-SER-006')
    })

    test('a subscription that has ended', async () => {
      const { url } = await create('resident', 'mpolicy-default-resident')
      const [subscription] = await fixture.services.store.reads.subscriptions.list({ partnerId: 'resident' })
      await fixture.services.partners.endSubscription(subscription!.id, 'a test', MANAGER)
      expect(await codeOf(await read(url))).toBe('DAT-SER-007')
    })

    test('a certificate that was revoked', async () => {
      const { url } = await create('ida', 'mpolicy-default-auth')
      const [row] = await fixture.services.store.reads.certificates.list({
        partnerId: 'ida',
        state: 'active',
      })
      await fixture.services.certificates.revokeCertificate(row!.id, 'a test', MANAGER)
      expect(await codeOf(await read(url))).toBe('DAT-SER-001')
      await expect(create('ida', 'mpolicy-default-auth')).rejects.toMatchObject({
        code: 'CERTIFICATE_INVALID',
      })
    })
  })

  test('an operator ends a share at once; one who guesses finds nothing', async () => {
    const { url } = await create('print', 'mpolicy-default-euin')
    const shareKey = decodeURIComponent(pathOf(url).split('/').at(-1)!)
    const shares = createShareStore(fixture.state, APPLICATION, fixture.services.store.reads)
    const share = (await shares.find({ policyId: 'mpolicy-default-euin', subscriberId: 'print', shareKey }))!
    await fixture.datashare.revoke(share.id, 'token:manager')
    await expect(fixture.datashare.revoke(share.id, 'token:manager')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await codeOf(await read(url))).toBe('DAT-SER-006')
    expect(await codeOf(await read(`${url}x`))).toBe('DAT-SER-006')
    expect(await codeOf(await read(url.replace('/print/', '/abis/')))).toBe('DAT-SER-006')
  })

  test('every share, read and refusal is audited, and none says what was shared', async () => {
    const entries = await fixture.audit()
    const actions = new Set(entries.map(({ action }) => action))
    for (const action of ['share.create', 'share.read', 'share.refuse']) expect(actions).toContain(action)
    expect(JSON.stringify(entries)).not.toContain('Invented Person')
    expect((await fixture.state.audit.verify()).valid).toBe(true)
  })

  test('what has ended is deleted, and what is still live is not', async () => {
    const live = await create('print', 'mpolicy-default-euin')
    await fixture.datashare.tidy((error) => expect(error).toBeUndefined())
    expect((await read(live.url)).status).toBe(200)
    fixture.now += 36 * 60_000
    const names = async () => {
      const found: string[] = []
      for await (const { name } of fixture.objects.list(`shares/${APPLICATION}/`)) found.push(name)
      return found
    }
    expect(await names()).not.toEqual([])
    await fixture.datashare.tidy((error) => expect(error).toBeUndefined())
    expect(await names()).toEqual([])
  })

  test('in profile keyhaven the partner signs the read, and the signature lies inside the encryption', async () => {
    const made = await fixture.partner('modern', 'Print_Partner', {
      ...{ groupId: 'mpolicygroup-default-print', profile: 'keyhaven' as const },
    })
    await fixture.subscribe('modern', 'mpolicy-default-euin')
    await expect(create('modern', 'mpolicy-default-euin')).rejects.toMatchObject({ code: 'POLICY_REFUSED' })
    const privateKey = await registerEncryptionKey(fixture, made)
    const { url } = await create('modern', 'mpolicy-default-euin')
    expect((await read(url)).status).toBe(401)

    const prove = (over: object = {}) =>
      signRead(made.holder.signer, url, {
        ...{ partnerId: 'modern', nonce: crypto.randomUUID(), issuedAt: fixture.now },
        ...over,
      })
    const proof = await prove()
    const answer = await fixture.call('GET', pathOf(url), { headers: { [READ_PROOF]: proof } })
    expect([answer.status, answer.headers.get('signature')]).toEqual([200, null])
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const key = decodeURIComponent(pathOf(url).split('/').at(-1)!)
    const binding = { applicationId: APPLICATION, partnerId: 'modern', policyId: 'mpolicy-default-euin', key }
    const opened = await openShare(backend, privateKey, bytes, binding, TRUST_ANYBODY)
    expect(opened.data).toEqual(PERSON)
    for (const changed of [
      { ...binding, key: 'x' },
      { ...binding, partnerId: 'abis' },
    ]) {
      await expect(openShare(backend, privateKey, bytes, changed, TRUST_ANYBODY)).rejects.toMatchObject({
        code: 'OPEN_FAILED',
      })
    }

    const refused = async (header: string) => {
      const again = await fixture.call('GET', pathOf(url), { headers: { [READ_PROOF]: header } })
      return ((await again.json()) as { code: string }).code
    }
    expect(await refused(proof)).toBe('REPLAYED')
    expect(await refused(await prove({ issuedAt: fixture.now - 61_000 }))).toBe('CLOCK_SKEW')
    expect(
      await refused(
        await signRead(made.holder.signer, `${url}x`, {
          partnerId: 'modern',
          nonce: crypto.randomUUID(),
          issuedAt: fixture.now,
        }),
      ),
    ).toBe('SIGNATURE_INVALID')
    expect(
      await refused(
        await signRead(fixture.authority.signer, url, {
          partnerId: 'modern',
          nonce: crypto.randomUUID(),
          issuedAt: fixture.now,
        }),
      ),
    ).toBe('SIGNATURE_INVALID')
  })
})

test('a policy lets out what it names, in its languages, parts and precision', async () => {
  const { filterAttributes, parsePolicy, DEFAULT_POLICIES } = await import('@keyhaven/identity')
  const { document } = DEFAULT_POLICIES.find(({ id }) => id === 'mpolicy-default-euin')!
  const policy = parsePolicy('DataShare', document, { unlimitedReads: false })
  if (policy.type !== 'DataShare') throw new Error('type')
  const bir = (type: 'Face' | 'Finger' | 'Iris', subtypes: string[]) => ({
    ...{ type, subtypes, quality: 90, bdb: new Uint8Array([1]), purpose: 'Enroll' as const },
    ...{ createdOn: '2026-01-01T00:00:00Z', level: 'Processed' as const },
  })
  const biometrics: Record<string, CbeffRecord> = {
    individualBiometrics: {
      birs: [
        bir('Face', []),
        bir('Finger', ['Left', 'Thumb']),
        bir('Finger', ['Left', 'RingFinger']),
        bir('Iris', ['Left']),
      ],
    },
  }
  const identity = {
    fullName: [
      { language: 'eng', value: 'Invented Person Seven' },
      { language: 'fra', value: 'Personne Inventée Sept' },
    ],
    dateOfBirth: '1990/01/31',
    gender: 'no language at all',
    residenceStatus: 'not in the policy',
    UIN: '0000000000',
  }
  const filtered = await filterAttributes(policy.body, identity, biometrics)
  expect(filtered.attributes).toEqual({
    fullName: [{ language: 'eng', value: 'Invented Person Seven' }],
    dateOfBirth: '1990',
    UIN: '0000000000',
  })
  expect(filtered.biometrics.biometrics!.birs.map(({ subtypes }) => subtypes.join(' '))).toEqual([
    '',
    'Left Thumb',
  ])
  expect(filtered.encrypted).toEqual(['biometrics'])
  const images = { individualBiometrics: { birs: [{ ...bir('Face', []), level: 'Raw' as const }] } }
  await expect(filterAttributes(policy.body, identity, images)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  })
})
