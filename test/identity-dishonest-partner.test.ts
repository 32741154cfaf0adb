import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '../packages/crypto/src/node/index.ts'
import { certificateToPem, type EventModel, type PartnerUpdate } from '../packages/identity/src/index.ts'
import { type TestHolder, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { trustPartner } from '../packages/server/src/identity/partners/partner-certificates.ts'
import { bulkInsert } from '../packages/server/src/platform/database/bulk-insert.ts'
import { ENGINES } from './kit/engines.ts'
import { APPLICATION, createPartnerFixture, MANAGER, type PartnerFixture } from './kit/identity-partners.ts'

// People of a partner, who may change what is theirs, against those who decide about it.

const GROUP = 'mpolicygroup-default-relying-party'
const POLICY = 'mpolicy-default-relying-party'
const BANK = { actor: 'oidc:bank#1', organisation: 'bank Ltd' }
const MANY = 12_000

let fixture: PartnerFixture
beforeAll(async () => {
  fixture = await createPartnerFixture(ENGINES[0]!)
  await fixture.partner('ida', 'Online_Verification_Partner', {
    ...{ key: 3, groupId: 'mpolicygroup-default-auth' },
  })
  await fixture.partner('bank', 'Auth_Partner', { groupId: GROUP })
  await fixture.subscribe('bank', POLICY)
})
afterAll(() => fixture.dispose())

async function lastUpdate(): Promise<PartnerUpdate> {
  const row = await fixture.state.db
    .selectFrom('identity_events')
    .select('body')
    .where('topic', '=', 'PARTNER_UPDATED')
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  return (JSON.parse(row.body) as EventModel).event.data as unknown as PartnerUpdate
}

describe('a partner cannot become too large to be told of', () => {
  test('it has so many API keys at once, and no more', async () => {
    const { partners } = fixture.services
    const issue = (label: string) =>
      partners.issueApiKey({ partnerId: 'bank', policyId: POLICY, label }, BANK)
    const ids: string[] = []
    for (let number = 0; number < 100; number++) ids.push((await issue(`key ${number}`)).record.id)
    await expect(issue('one more')).rejects.toMatchObject({ code: 'CONFLICT' })
    await partners.revokeApiKey(ids[0]!, 'a test', BANK)
    const { record } = await issue('one more')
    expect((await lastUpdate()).apiKeys.filter(({ active }) => active)).toHaveLength(100)
    await partners.revokeApiKey(record.id, 'a test', BANK)
  })

  test('nor by keys that it issued and revoked: it can be made inactive', async () => {
    const columns = [
      ...['application_id', 'id', 'partner_id', 'policy_id', 'label', 'key_hash', 'state'],
      ...['created_at', 'expires_at', 'created_by'],
    ] as const
    const { now, state } = fixture
    const rows = Array.from({ length: MANY }, (_, at) => [
      ...[APPLICATION, `old-${at}`, 'bank', POLICY, `old ${at}`, new Uint8Array(32), 'revoked'],
      ...[now, now + 86_400_000, 'oidc:bank#1'],
    ])
    await state.transaction(({ db }) =>
      bulkInsert(db, state.dialect, 'identity_api_keys', columns as never, rows),
    )
    await fixture.services.partners.setActive('bank', false, 'it misbehaves', MANAGER)
    const { partner, apiKeys } = await lastUpdate()
    expect(partner).toMatchObject({ id: 'bank', active: false })
    expect(apiKeys.length).toBeLessThan(300)
  })
})

describe('the key manager trusts a signature', () => {
  const trusted = async ({ certificate }: TestHolder, sent: readonly TestHolder[] = []) =>
    trustPartner(
      fixture.services,
      'AUTH',
      [certificate, ...sent.map((one) => one.certificate)],
      fixture.now,
    ).then(
      () => true,
      ({ code }: { code: string }) => code,
    )

  test('of a partner until its certificate is revoked', async () => {
    const { holder } = await fixture.partner('shop', 'Auth_Partner', { key: 4, groupId: GROUP })
    expect(await trusted(holder)).toBe(true)
    const id = toHex(holder.certificate.thumbprint)
    await fixture.services.certificates.revokeCertificate(id, 'a test', MANAGER)
    expect(await trusted(holder)).toBe('CERTIFICATE_INVALID')
  })

  test('until the root above it is revoked, whoever stands between', async () => {
    const root = await testHolder(5, { ca: true, subject: { commonName: 'Second root' } })
    const between = await testHolder(6, {
      ...{ ca: true, issuedBy: root, subject: { commonName: 'Between' } },
    })
    const pem = certificateToPem(root.certificate) + certificateToPem(between.certificate)
    const { certificates } = fixture.services
    await certificates.uploadAuthorities('AUTH', pem, MANAGER)
    const leaf = await testHolder(7, { issuedBy: between, subject: { commonName: 'leaf' } })
    expect(await trusted(leaf)).toBe(true)
    await certificates.revokeAuthority(toHex(root.certificate.thumbprint), 'a test', MANAGER)
    expect(await trusted(leaf, [between, root])).toBe('CERTIFICATE_INVALID')
  })
})
