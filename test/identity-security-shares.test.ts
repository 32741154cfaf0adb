import { backend, utf8 } from '@keyhaven/crypto'
import { certificateToPem, signEncryptionKey, signRead } from '@keyhaven/identity'
import { createDatashare, type Share } from '@keyhaven/identity/service'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { createShareStore } from '../packages/server/src/identity/datashare/share-store.ts'
import type { State, StateTransaction } from '../packages/server/src/platform/state/state.ts'
import { codeOf } from './kit/code-of.ts'
import { ENGINES } from './kit/engines.ts'
import { faultyCertificates } from './kit/faulty-certificates.ts'
import {
  ADMIN_TOKEN,
  APPLICATION,
  createPartnerFixture,
  LISTENER_URL,
  MANAGER,
  type PartnerFixture,
  pathOf,
  registerEncryptionKey,
  type TestPartner,
} from './kit/identity-partners.ts'

// Sentences about partners and datashare: each is tried to be broken at every check, on both databases.

const GROUP = 'mpolicygroup-default-print'
const POLICY = 'mpolicy-default-euin'
const ORGANISATION = 'print Ltd'
const PERSON = utf8('{"fullName":"Invented Person Seven"}')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const PROOF = 'keyhaven-partner-proof'
describe.each(ENGINES)('partners and shares on $name', (engine) => {
  let fixture: PartnerFixture
  let modern: TestPartner
  let number = 0
  beforeAll(async () => {
    fixture = await createPartnerFixture(engine)
    await fixture.partner('print', 'Print_Partner', { groupId: GROUP, organisation: ORGANISATION })
    await fixture.subscribe('print', POLICY)
    modern = await fixture.partner('modern', 'Print_Partner', { groupId: GROUP, profile: 'keyhaven', key: 3 })
    await fixture.subscribe('modern', POLICY)
  })
  afterAll(() => fixture?.dispose())

  const create = (subscriberId = 'print', data = PERSON) =>
    fixture.datashare.create({ policyId: POLICY, subscriberId, data, actor: 'token:service' })
  const read = async (url: string, headers?: Record<string, string>) => {
    const options = headers === undefined ? { token: ADMIN_TOKEN } : { headers }
    const answer = await fixture.call('GET', pathOf(url), options)
    if (answer.headers.get('content-type') === 'application/octet-stream') {
      return { code: '', bytes: new Uint8Array(await answer.arrayBuffer()) }
    }
    const said = (await answer.json()) as { code?: string; errors?: { errorCode: string }[] }
    return { code: said.code ?? said.errors![0]!.errorCode, bytes: new Uint8Array() }
  }
  const certified = (over: Parameters<typeof testHolder>[1] = {}) =>
    testHolder(2, {
      issuedBy: fixture.authority,
      subject: { commonName: `print ${number++}`, organisation: ORGANISATION },
      ...over,
    })
  const upload = async (holder: { certificate: Parameters<typeof certificateToPem>[0] }, id = 'print') =>
    fixture.services.certificates.uploadCertificate(id, certificateToPem(holder.certificate), MANAGER)
  const at = async <T>(now: number, work: () => Promise<T>): Promise<T> => {
    const before = fixture.now
    fixture.now = now
    try {
      return await work()
    } finally {
      fixture.now = before
    }
  }

  describe('certificates that have expired, were revoked, or are for another purpose', () => {
    test('at the registration', async () => {
      const faulty = await faultyCertificates({
        ...{ key: 2, authority: fixture.authority, now: fixture.now, wrongUse: ['keyEncipherment'] },
        subject: { commonName: 'print', organisation: ORGANISATION },
      })
      for (const [what, holder] of faulty) {
        expect([what, await codeOf(upload(holder))]).toEqual([what, 'CERTIFICATE_INVALID'])
      }
      const [before] = await fixture.services.store.reads.certificates.list({
        ...{ partnerId: 'print', state: 'active' as const },
      })
      const right = await upload(await certified())
      expect(right.id).not.toBe(before!.id)
      await fixture.services.certificates.revokeCertificate(right.id, 'a test', MANAGER)
      expect(await codeOf(create())).toBe('CERTIFICATE_INVALID')
      await upload(await certified())
      expect(await codeOf(create())).toBe('done')
    })

    test('when a share is made', async () => {
      await upload(await certified({ keyUsage: ['digitalSignature'] }))
      expect(await codeOf(create())).toBe('CERTIFICATE_INVALID')
      await upload(await certified({ notAfter: fixture.now + HOUR_MS }))
      expect(await codeOf(create())).toBe('done')
      expect(await at(fixture.now + 2 * HOUR_MS, () => codeOf(create()))).toBe('CERTIFICATE_INVALID')
      await upload(await certified())
    })

    test('when it is read: expired meanwhile, or another one in its place', async () => {
      await upload(await certified({ notAfter: fixture.now + 10 * 60_000 }))
      const { url } = await create()
      expect((await at(fixture.now + 11 * 60_000, () => read(url))).code).toBe('DAT-SER-001')
      expect((await read(url)).code).toBe('')
      await upload(await certified())
      expect((await read(url)).code).toBe('DAT-SER-006')
    })

    test('when it is read: the authority above was revoked', async () => {
      const { certificates } = fixture.services
      const second = await testHolder(7, { ca: true, subject: { commonName: `CA ${number++}` } })
      await certificates.uploadAuthorities('AUTH', certificateToPem(second.certificate), MANAGER)
      await upload(await certified({ issuedBy: second }))
      const { url } = await create()
      const thumbprint = Buffer.from(second.certificate.thumbprint).toString('hex')
      await certificates.revokeAuthority(thumbprint, 'a test', MANAGER)
      expect((await read(url)).code).toBe('DAT-SER-001')
      expect(await codeOf(create())).toBe('CERTIFICATE_INVALID')
      await upload(await certified())
    })

    test('when a partner signs that it reads, or what is sealed to it (profile keyhaven)', async () => {
      await registerEncryptionKey(fixture, modern)
      const { url } = await create('modern')
      const prove = () =>
        signRead(modern.holder.signer, url, {
          ...{ partnerId: 'modern', nonce: crypto.randomUUID(), issuedAt: fixture.now },
        })
      const later = fixture.now + 400 * DAY_MS
      expect((await at(later, async () => read(url, { [PROOF]: await prove() }))).code).toBe(
        'CERTIFICATE_INVALID',
      )
      const pair = await backend.kem.generateKeyPair('x-wing')
      const statement = await signEncryptionKey(modern.holder.signer, 'modern', pair.publicKey.bytes)
      const register = () => fixture.services.partners.setEncryptionKey('modern', statement, MANAGER)
      expect(await at(later, () => codeOf(register()))).toBe('CERTIFICATE_INVALID')
      expect((await read(url, { [PROOF]: await prove() })).code).toBe('')
      const [row] = await fixture.services.store.reads.certificates.list({ partnerId: 'modern' })
      await fixture.services.certificates.revokeCertificate(row!.id, 'a test', MANAGER)
      expect((await read(url, { [PROOF]: await prove() })).code).toBe('CERTIFICATE_INVALID')
      expect(await codeOf(register())).toBe('CERTIFICATE_INVALID')
      const organisation = modern.partner.organisation
      const subject = { commonName: 'modern again', organisation }
      const holder = await testHolder(3, { issuedBy: fixture.authority, subject })
      await upload(holder, 'modern')
      modern = { ...modern, holder }
    })
  })

  describe('partner, certificate, policy, expiry and counter are asked again in the update that counts', () => {
    const stored = async (url: string): Promise<Share> => {
      const shareKey = decodeURIComponent(pathOf(url).split('/').at(-1)!)
      return (await storeOf(fixture.state).find({ policyId: POLICY, subscriberId: 'print', shareKey }))!
    }
    const storeOf = (state: State) => createShareStore(state, APPLICATION, fixture.services.store.reads)
    const take = (share: Share, counts = true) =>
      storeOf(fixture.state).transaction((tx) => tx.take(share, counts))
    /** As a read takes it in whose transaction something has just changed. */
    const takeInside = (tx: StateTransaction, share: Share) =>
      storeOf({ ...fixture.state, transaction: (work) => work(tx) }).transaction((one) =>
        one.take(share, true),
      )

    /** What the checks before would have seen in time: here it is changed after them. */
    test.each<[what: string, table: string, where: string, change: string]>([
      ['the partner is not active', 'identity_partners', "id = 'print'", "state = 'inactive'"],
      ['the partner changed its profile', 'identity_partners', "id = 'print'", "profile = 'keyhaven'"],
      ['the policy is not active', 'identity_policies', `id = '${POLICY}'`, "state = 'inactive'"],
      ['the policy was published anew', 'identity_policies', `id = '${POLICY}'`, 'version = version + 1'],
      ['the policy has ended', 'identity_policies', `id = '${POLICY}'`, 'valid_until = 1'],
      ['its group is not active', 'identity_policy_groups', `id = '${GROUP}'`, 'active = 0'],
      ['the subscription has ended', 'identity_subscriptions', "partner_id = 'print'", "state = 'ended'"],
      [
        'the certificate was revoked',
        'identity_partner_certificates',
        "partner_id = 'print' and state = 'active'",
        "state = 'revoked'",
      ],
      [
        'the certificate has expired',
        'identity_partner_certificates',
        "partner_id = 'print'",
        'valid_until = 1',
      ],
      [
        'the certificate is not valid yet',
        'identity_partner_certificates',
        "partner_id = 'print'",
        'valid_from = valid_until',
      ],
      ['the share was ended', 'identity_shares', "subscriber_id = 'print'", "state = 'ended'"],
      ['it has expired', 'identity_shares', "subscriber_id = 'print'", 'expires_at = 1'],
      ['no read is left', 'identity_shares', "subscriber_id = 'print'", 'remaining = 0'],
    ])('%s', async (_what, table, where, change) => {
      const share = await stored((await create()).url)
      const undone = fixture.state.transaction(async (tx) => {
        await sql.raw(`update ${table} set ${change} where ${where}`).execute(tx.db)
        throw new Error(`taken: ${await takeInside(tx, share)}`)
      })
      await expect(undone).rejects.toThrow('taken: false')
      expect(await take(share)).toBe(true)
    })

    test('a part of a started read counts nothing, and asks all the same', async () => {
      const share = await stored((await create()).url)
      for (let turn = 0; turn < 5; turn++) expect(await take(share, false)).toBe(true)
      expect([await take(share), await take(share), await take(share)]).toEqual([true, true, false])
      await fixture.services.partners.setActive('print', false, 'a test', MANAGER)
      expect(await take(share, false)).toBe(false)
      await fixture.services.partners.setActive('print', true, 'a test', MANAGER)
      expect(await take(share, false)).toBe(true)
    })
  })

  test('the policy is asked again with what is written: what changes while a share is made stops it', async () => {
    const { services, state, objects } = fixture
    let meanwhile = async () => {}
    const datashare = createDatashare({
      ...{ backend, applicationId: APPLICATION, signer: services.signer, clock: () => fixture.now },
      ...{ limits: { unlimitedReads: false }, url: () => LISTENER_URL },
      store: createShareStore(state, APPLICATION, services.store.reads),
      objects: {
        ...{ delete: (name: string) => objects.delete(name), list: (prefix: string) => objects.list(prefix) },
        async put(name, bytes) {
          await objects.put(name, bytes)
          await meanwhile()
        },
      },
    })
    const rows = async () => (await state.db.selectFrom('identity_shares').selectAll().execute()).length
    const files = async () => {
      let found = 0
      for await (const _ of objects.list(`shares/${APPLICATION}/`)) found++
      return found
    }
    const before = [await rows(), await files()]
    const subscription = { partnerId: 'print', policyId: POLICY, state: 'approved' as const }
    for (const [change, back] of [
      [
        () => services.partners.setActive('print', false, 'a test', MANAGER),
        () => services.partners.setActive('print', true, 'a test', MANAGER),
      ],
      [
        () => services.policies.setActive(POLICY, false, MANAGER),
        () => services.policies.setActive(POLICY, true, MANAGER),
      ],
      [async () => upload(await certified()), async () => undefined],
      [
        async () => {
          const [approved] = await services.store.reads.subscriptions.list(subscription)
          return services.partners.endSubscription(approved!.id, 'a test', MANAGER)
        },
        () => fixture.subscribe('print', POLICY),
      ],
    ] as const) {
      meanwhile = async () => void (await change())
      const made = datashare.create({ policyId: POLICY, subscriberId: 'print', data: PERSON, actor: 'a' })
      expect(await codeOf(made)).toBe('POLICY_REFUSED')
      await back()
    }
    expect([await rows(), await files()]).toEqual(before)
  })

  test('"none" and unlimited reads are refused also where a policy in the database says so', async () => {
    const { policies } = fixture.services.store.reads
    const policy = (await policies.get(POLICY))!
    const put = (rules: object, change: object = {}) => {
      const document = JSON.parse(policy.body) as { dataSharePolicies: object }
      const dataSharePolicies = { ...document.dataSharePolicies, ...rules }
      const body = JSON.stringify({ ...document, dataSharePolicies, ...change })
      return fixture.services.store.transaction((tx) => tx.policies.put({ ...policy, body }))
    }
    try {
      await put({ encryptionType: 'none' })
      expect(await codeOf(create())).toBe('INPUT_INVALID')
      await put({ encryptionType: 'none' }, { shareableAttributes: [] })
      expect([await codeOf(create()), await codeOf(create('modern'))]).toEqual(['done', 'POLICY_REFUSED'])
      await put({ transactionsAllowed: '-1' })
      expect(await codeOf(create())).toBe('POLICY_REFUSED')
    } finally {
      await put({})
    }
    expect(await codeOf(create())).toBe('done')
  })
})
