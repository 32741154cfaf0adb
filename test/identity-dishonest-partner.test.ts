import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventModel, PartnerUpdate } from '../packages/identity/src/index.ts'
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
