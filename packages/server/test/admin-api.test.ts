import { decodeDelegation, signDelegation, verifyManifest } from '@keyhaven/channel'
import { backend, fromBase64url, jwkThumbprint, toBase64url } from '@keyhaven/crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'

const MS_PER_DAY = 86_400_000

describe.each(ENGINES)('admin API on $name', (engine) => {
  let server: TestServer

  beforeAll(async () => {
    server = await startTestServer(engine)
  })
  afterAll(() => server?.dispose())

  const create = async (id: string, more: object = {}) => {
    const made = await server.admin('POST', '/applications', { id, suite: 'x25519', ...more })
    expect(made.status).toBe(201)
    return made.body
  }
  const keysOf = async (id: string) => (await server.admin('GET', `/applications/${id}/e2e-keys`)).body.items

  describe('applications', () => {
    test('the first start makes one that works', async () => {
      const { body } = await server.admin('GET', '/applications/demo')
      expect(body).toMatchObject({
        id: 'demo',
        isDefault: true,
        trust: { mode: 'online', epoch: 1 },
        keyCounts: { pending: 0, active: 1, retiring: 0, revoked: 0 },
      })
      expect(body.trust.rootThumbprints).toHaveLength(2)
      const log = (await server.admin('GET', '/applications/demo/directory/log')).body.verifierKey
      const { rootThumbprints } = body.trust
      expect(server.defaultApplication).toEqual({ id: 'demo', rootThumbprints, log })
    })

    test('are made, listed by page and found by a part of their name', async () => {
      for (const id of ['list-a', 'list-b', 'list-c']) await create(id, { name: `Name of ${id} 100%` })
      const first = await server.admin('GET', '/applications?limit=2&q=LIST-')
      expect(first.body.items.map((item: { id: string }) => item.id)).toEqual(['list-a', 'list-b'])
      const second = await server.admin(
        'GET',
        `/applications?limit=2&q=list-&cursor=${first.body.nextCursor}`,
      )
      expect(second.body).toMatchObject({ items: [{ id: 'list-c' }], nextCursor: null })
      expect((await server.admin('GET', '/applications?q=100%25')).body.items).toHaveLength(3)
      expect((await server.admin('GET', '/applications?q=1_0%25')).body.items).toHaveLength(0)
    })

    test('refuse bad, taken and reserved ids, and list none of our own', async () => {
      expect((await server.admin('POST', '/applications', { id: 'demo' })).body.code).toBe('CONFLICT')
      for (const id of ['', 'Upper', '-a', 'a/b', 'a'.repeat(64), 'keyhaven-admin', 'keyhaven-x']) {
        const refused = await server.admin('POST', '/applications', { id })
        expect([refused.status, refused.body.code]).toEqual([400, 'INPUT_INVALID'])
      }
      expect((await server.admin('GET', '/applications?q=keyhaven')).body.items).toEqual([])
      const unknown = await server.admin('POST', '/applications', { id: 'x1', isDefault: true })
      expect(unknown.body).toMatchObject({ code: 'INPUT_INVALID', status: 400 })
      expect(unknown.body.detail).toContain('isDefault')
    })
  })

  describe('keys', () => {
    test('add, get by UUID and by key id, plan, revoke', async () => {
      await create('keys')
      const [first] = await keysOf('keys')
      expect(first).toMatchObject({ state: 'active', suiteName: 'x25519', lastUsedAt: null })
      expect(first.thumbprint).toBe(await jwkThumbprint(backend, first.jwk))
      // Key configuration: key id, KEM id, public key, one pair of KDF and AEAD.
      const config = fromBase64url(first.keyConfig)
      expect(config[0]).toBe(first.keyId)
      expect(toBase64url(config.subarray(3, 35))).toBe(first.publicKey)

      const added = await server.admin('POST', '/applications/keys/e2e-keys', {
        suite: { kem: 'p-256', aead: 'aes-128-gcm' },
        activateAt: new Date(Date.now() + MS_PER_DAY).toISOString(),
        endAt: new Date(Date.now() + 9 * MS_PER_DAY).toISOString(),
      })
      expect(added.status).toBe(201)
      expect(added.body).toMatchObject({ state: 'pending', suite: { kem: 'p-256', aead: 'aes-128-gcm' } })
      const { id, keyId } = added.body
      expect((await keysOf('keys')).map((key: { id: string }) => key.id)).toEqual([id, first.id])
      for (const name of [id, keyId]) {
        expect((await server.admin('GET', `/applications/keys/e2e-keys/${name}`)).body.id).toBe(id)
      }

      const planned = await server.admin('PATCH', `/applications/keys/e2e-keys/${id}`, { endAt: null })
      expect(planned.body).toMatchObject({ endAt: null, activateAt: added.body.activateAt })
      expect((await server.admin('PATCH', `/applications/keys/e2e-keys/${id}`, {})).status).toBe(400)

      const revoked = await server.admin('POST', `/applications/keys/e2e-keys/${id}/revoke`, {
        reason: 'test',
      })
      expect(revoked.body).toMatchObject({ state: 'revoked' })
      expect(revoked.body.history.at(-1)).toMatchObject({
        state: 'revoked',
        actor: 'token:admin',
        reason: 'test',
      })
      const again = await server.admin('POST', `/applications/keys/e2e-keys/${id}/revoke`, {
        reason: 'again',
      })
      expect(again.body).toEqual(revoked.body)
    })

    test('the last live key is revoked only by force', async () => {
      await create('last')
      const [only] = await keysOf('last')
      const path = `/applications/last/e2e-keys/${only.id}/revoke`
      expect((await server.admin('POST', path, { reason: 'gone' })).body.code).toBe('CONFLICT')
      expect((await server.admin('POST', path, { reason: '' })).status).toBe(400)
      expect((await server.admin('POST', path, { reason: 'gone', force: true })).body.state).toBe('revoked')
    })

    test('a key of one application cannot be reached through another', async () => {
      await create('mine')
      await create('theirs')
      const [key] = await keysOf('theirs')
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['PATCH', '', { endAt: new Date(Date.now() + MS_PER_DAY).toISOString() }],
        ['POST', '/revoke', { reason: 'not mine' }],
      ] as const) {
        const answer = await server.admin(method, `/applications/mine/e2e-keys/${key.id}${path}`, body)
        expect(answer.status).toBe(404)
      }
      expect((await keysOf('theirs'))[0].state).toBe('active')
    })
  })

  describe('trust', () => {
    test('the manifest is signed down from the root, and changes with the keys', async () => {
      const { trust } = await create('manifest')
      const read = async () => {
        const answer = await fetch(`${server.publicUrl}/gateway/manifest/manifest`)
        expect(answer.headers.get('content-type')).toBe('application/jose')
        expect(answer.headers.get('access-control-allow-origin')).toBe('*')
        return verifyManifest(backend, await answer.text(), {
          application: 'manifest',
          rootThumbprints: trust.rootThumbprints,
          now: Math.floor(Date.now() / 1_000),
        })
      }
      const before = await read()
      expect(before.keys).toHaveLength(1)
      expect((await read()).sequence).toBe(before.sequence)
      expect(before.expires - before.issued).toBe(86_400)

      await server.admin('POST', '/applications/manifest/e2e-keys', {
        activateAt: new Date(Date.now() + MS_PER_DAY).toISOString(),
      })
      expect((await read()).keys).toHaveLength(1) // a pending key opens, but is not advertised
      const [, active] = await keysOf('manifest')
      await server.admin('PATCH', `/applications/manifest/e2e-keys/${active.id}`, {
        endAt: new Date(Date.now() + MS_PER_DAY).toISOString(),
      })
      const after = await read()
      expect(after.keys[0]!.end).toBeGreaterThan(Date.now() / 1_000)
      expect(after.sequence).toBeGreaterThan(before.sequence)
    })

    test('an offline root delegates, and a new epoch overrides what was before', async () => {
      const root = await backend.signatures.generateKeyPair('EdDSA')
      const stranger = await backend.signatures.generateKeyPair('EdDSA')
      const thumbprint = await jwkThumbprint(backend, root.publicKey.jwk)
      await create('offline', { rootThumbprints: [thumbprint] })
      const manifestUrl = `${server.publicUrl}/gateway/offline/manifest`
      const early = await fetch(manifestUrl)
      expect([early.status, (await early.json()).code]).toEqual([503, 'MANIFEST_EXPIRED'])

      const trust = (await server.admin('GET', '/applications/offline/trust')).body
      expect(trust).toMatchObject({
        mode: 'offline',
        rootThumbprints: [thumbprint],
        delegationExpiresAt: null,
      })
      const now = Math.floor(Date.now() / 1_000)
      const payload = {
        application: 'offline',
        epoch: trust.epoch,
        key: trust.manifestKey,
        issued: now,
        expires: now + 86_400,
      }
      const install = async (key: typeof root, more: object = {}) =>
        server.admin('POST', '/applications/offline/delegation', {
          delegation: await signDelegation(backend, key, { ...payload, ...more }),
        })
      expect((await install(stranger)).body.code).toBe('SIGNATURE_INVALID')
      expect((await install(root, { application: 'demo' })).body.code).toBe('MANIFEST_INVALID')
      expect((await install(root, { key: stranger.publicKey.jwk })).body.code).toBe('CONFLICT')
      expect((await install(root, { epoch: 100_000 })).body.code).toBe('CONFLICT')
      expect((await install(root)).body.delegationExpiresAt).toBe(
        new Date(payload.expires * 1_000).toISOString(),
      )

      const expected = { application: 'offline', rootThumbprints: [thumbprint], now }
      const first = await verifyManifest(backend, await (await fetch(manifestUrl)).text(), expected)
      expect((await install(root, { epoch: trust.epoch + 2 })).status).toBe(200)
      expect((await install(root)).body.code).toBe('CONFLICT') // an older epoch
      const jws = await (await fetch(manifestUrl)).text()
      const second = await verifyManifest(backend, jws, { ...expected, newerThan: first })
      expect(second.epoch).toBe(first.epoch + 2)
      expect(second.expires).toBeLessThanOrEqual(payload.expires)
    })

    test('a server that holds the root takes no delegation', async () => {
      const { trust } = await create('online')
      const delegation = await fetch(`${server.publicUrl}/gateway/online/manifest`).then((answer) =>
        answer.text(),
      )
      const header = JSON.parse(Buffer.from(delegation.split('.')[0]!, 'base64url').toString())
      expect(decodeDelegation(header.delegation).delegation.epoch).toBe(trust.epoch)
      const answer = await server.admin('POST', '/applications/online/delegation', {
        delegation: header.delegation,
      })
      expect(answer.body.code).toBe('CONFLICT')
    })
  })

  describe('API tokens', () => {
    test('are shown once, work, and end', async () => {
      const made = await server.admin('POST', '/tokens', { name: 'ci', roles: ['auditor'] })
      expect(made.status).toBe(201)
      expect(made.body.token).toMatch(/^kh_[A-Za-z0-9_-]{43}$/)
      const { token, ...item } = made.body
      expect((await server.admin('GET', '/session', undefined, token)).body).toEqual({
        actor: 'token:ci',
        roles: ['auditor'],
        oidc: false,
      })
      const listed = (await server.admin('GET', '/tokens')).body.items
      expect(listed.find((other: { id: string }) => other.id === item.id)).toMatchObject({ name: 'ci' })
      expect(JSON.stringify(listed)).not.toContain(token)
      expect((await server.admin('DELETE', `/tokens/${item.id}`)).status).toBe(204)
      expect((await server.admin('GET', '/session', undefined, token)).status).toBe(401)
      expect((await server.admin('DELETE', `/tokens/${item.id}`)).status).toBe(404)
    })

    test('refuse taken names, the name of the fixed token, and times that are over', async () => {
      const roles = ['auditor']
      await server.admin('POST', '/tokens', { name: 'twice', roles })
      for (const name of ['twice', 'admin']) {
        expect((await server.admin('POST', '/tokens', { name, roles })).body.code).toBe('CONFLICT')
      }
      for (const body of [
        { name: 'a b', roles },
        { name: 'x', roles: [] },
        { name: 'x', roles: ['root'] },
        { name: 'x', roles, expiresAt: '2020-01-01T00:00:00Z' },
        { name: 'x', roles, expiresAt: 'tomorrow' },
      ]) {
        expect((await server.admin('POST', '/tokens', body)).body.code).toBe('INPUT_INVALID')
      }
    })
  })

  test('the audit log names every change, its actor and its subject, and verifies', async () => {
    await create('audited')
    const [key] = await keysOf('audited')
    await server.admin('POST', `/applications/audited/e2e-keys/${key.id}/revoke`, {
      reason: 'r',
      force: true,
    })
    const { items } = (await server.admin('GET', '/audit?applicationId=audited&limit=200')).body
    const actions = items.map((item: { action: string }) => item.action)
    expect(actions).toEqual(expect.arrayContaining(['application.create', 'key.add', 'key.revoke']))
    expect(items.find((item: { action: string }) => item.action === 'key.revoke')).toMatchObject({
      actor: 'token:admin',
      subject: key.id,
      applicationId: 'audited',
    })
    const one = (await server.admin('GET', '/audit?limit=1&action=application.create')).body
    expect(one.items[0].applicationId).toBe('audited')
    expect((await server.admin('GET', `/audit?limit=1&cursor=${one.nextCursor}`)).status).toBe(200)
    expect((await server.admin('GET', '/audit?cursor=nonsense')).status).toBe(400)
    expect((await server.admin('GET', '/audit?from=yesterday')).status).toBe(400)
    expect((await server.admin('GET', '/audit/verify')).body).toMatchObject({ valid: true })
    expect((await server.admin('GET', '/audit/actions')).body.items).toContain('key.revoke')
  })

  test('status says what runs', async () => {
    expect((await server.admin('GET', '/status')).body).toMatchObject({
      database: engine.dialect,
      replay: engine.dialect === 'sqlite' ? 'memory' : 'database',
      workers: 1,
      oidc: false,
      identity: null,
    })
  })

  test('every refusal is a problem', async () => {
    for (const [base, method, path, status, type = 'text/plain'] of [
      [server.adminUrl, 'GET', '/admin/v1/nothing', 404],
      [server.adminUrl, 'PUT', '/admin/v1/applications', 404],
      [server.adminUrl, 'GET', '/admin/nothing', 404],
      [server.adminUrl, 'POST', '/admin/v1/applications', 415],
      [server.adminUrl, 'POST', '/admin/v1/session', 400, 'application/json'],
      [server.publicUrl, 'GET', '/nothing', 404],
      [server.publicUrl, 'GET', '/admin/v1/applications', 404],
      [server.publicUrl, 'GET', '/metrics', 404],
      [server.publicUrl, 'GET', '/gateway/unknown', 404],
      [server.publicUrl, 'GET', '/gateway/unknown/manifest', 404],
      [server.publicUrl, 'GET', '/gateway/keyhaven-admin', 404],
      [server.publicUrl, 'GET', '/gateway/keyhaven-admin/manifest', 404],
      [server.publicUrl, 'POST', '/gateway/demo', 415],
      [server.publicUrl, 'DELETE', '/gateway/demo', 404],
      [server.publicUrl, 'GET', '/%E0%A4%A', 404],
    ] as const) {
      const answer = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${server.env.KEYHAVEN_ADMIN_TOKEN}`, 'content-type': type },
        ...(method === 'POST' ? { body: '{"id": ' } : {}),
      })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(await answer.json()).toMatchObject({
        status,
        code: expect.any(String),
        title: expect.any(String),
      })
    }
  })

  test('a long body is refused before it is read', async () => {
    const answer = await fetch(`${server.adminUrl}/admin/v1/applications`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.env.KEYHAVEN_ADMIN_TOKEN}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ id: 'x', name: 'x'.repeat(100_000) }),
    })
    expect([answer.status, (await answer.json()).code]).toEqual([413, 'WIRE_TOO_LARGE'])
  })
})
