import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { loadConfig } from '../src/platform/config/load-config.ts'
import { openDatabase } from '../src/platform/database/open-database.ts'
import { enrollUser } from './fixtures/directory-user.ts'

const APP = 'app'
const GRACE_DAYS = 20
const MS_PER_DAY = 86_400_000

describe.each(ENGINES)('devices whose record ends soon, on $name', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(engine, { KEYHAVEN_RENEWAL_GRACE_DAYS: String(GRACE_DAYS) })
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
  })
  afterAll(() => server?.dispose())

  /** @param days - from now. */
  async function endsIn(username: string, days: number): Promise<void> {
    const { db, close } = await openDatabase(loadConfig(server.env).database)
    try {
      await db
        .updateTable('directory_devices')
        .set({ expires_at: Date.now() + days * MS_PER_DAY })
        .where('application_id', '=', APP)
        .where('username', '=', username)
        .execute()
    } finally {
      await close()
    }
  }

  async function listed(query: string): Promise<{ names: string[]; nextCursor: string | null }> {
    const { body } = await server.admin('GET', `/applications/${APP}/directory/devices?${query}`)
    return {
      names: body.items.map((item: { username: string }) => item.username),
      nextCursor: body.nextCursor,
    }
  }

  test('those that ended are listed for as long as they can renew, and then no more', async () => {
    const ends = { 'long gone': -400, gone: -GRACE_DAYS - 1, renewable: -GRACE_DAYS + 1, soon: 5, later: 60 }
    for (const [username, days] of Object.entries(ends)) {
      await enrollUser(server, APP, username)
      await endsIn(username, days)
    }
    expect((await listed('expiringWithin=30d')).names).toEqual(['renewable', 'soon'])
    expect((await listed('expiringWithin=90d')).names).toEqual(['renewable', 'soon', 'later'])
    expect((await listed('expiringWithin=0d')).names).toEqual(['renewable'])
    const first = await listed('expiringWithin=90d&limit=2')
    expect(first.names).toEqual(['renewable', 'soon'])
    const second = await listed(`expiringWithin=90d&limit=2&cursor=${first.nextCursor}`)
    expect(second).toEqual({ names: ['later'], nextCursor: null })
  })
})
