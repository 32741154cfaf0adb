import { Writable } from 'node:stream'
import { keyName, parseCertificate, verifyChain } from '@keyhaven/identity'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from '../../../test/kit/engines.ts'
import { useTestKeys } from '../../identity/test/kit/use-test-keys.ts'
import { addAdminKeyRoutes } from '../src/identity/keys/admin-key-routes.ts'
import { createIdentityKeys } from '../src/identity/keys/create-identity-keys.ts'
import { createKeyPolicies } from '../src/identity/keys/key-policies.ts'
import type { AdminEnv } from '../src/platform/auth/principal.ts'
import type { Role } from '../src/platform/auth/roles.ts'
import { createApp } from '../src/platform/http/create-app.ts'
import { createLogger } from '../src/platform/log/logger.ts'
import type { State } from '../src/platform/state/state.ts'

const NAME = { applicationId: 'ID_REPO', referenceId: 'uin' }

describe.each(ENGINES)('identity keys in the admin API on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let call: (
    method: string,
    path: string,
    body?: object,
    role?: Role,
  ) => Promise<{ status: number; body: Body }>
  interface Body {
    readonly items: Record<string, string>[]
    readonly nextCursor: string | null
    readonly certificate: string
    readonly chain: string[]
    readonly actors: string[]
  }
  let restore: () => void

  beforeAll(async () => {
    restore = useTestKeys()
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    const keys = createIdentityKeys({
      ...{ state, applicationId: 'demo', profile: 'mosip', role: 'main', clock: Date.now },
    })
    await keys.certificate(keyName('ID_REPO', 'uin'))
    const policies = createKeyPolicies(state, 'demo')
    call = async (method, path, body, role = 'admin') => {
      const app = createApp<AdminEnv>(
        createLogger('silent', new Writable({ write: (_chunk, _encoding, done) => done() })),
      )
      app.use('*', async (c, next) => {
        const principal = {
          actor: 'token:test',
          roles: [role],
          method: 'token',
          oidc: false,
          tokenId: '',
        } as const
        c.set('principal', { ...principal, expiresAt: null })
        await next()
      })
      addAdminKeyRoutes(app, { applicationId: 'demo', keys, policies })
      const answer = await app.request(`http://localhost/admin/v1/applications${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      return { status: answer.status, body: (await answer.json()) as Body }
    }
  })
  afterAll(async () => {
    restore()
    await fixture.dispose()
  })

  test('are listed page by page, and renewed', async () => {
    expect((await call('POST', '/demo/identity/keys/renew', NAME)).status).toBe(200)
    const seen: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = `limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`
      const { body } = await call('GET', `/demo/identity/keys?${query}`)
      expect(body.items.length).toBe(1)
      seen.push(...body.items.map(({ id, generation, state: is }) => [id, generation, is]))
      cursor = body.nextCursor
    }
    expect(seen).toEqual([
      ['K7', 1, 'current'],
      ['K7.4', 1, 'retired'],
      ['K7.4', 2, 'current'],
      ['K1', 1, 'current'],
    ])
    const [entry] = (await state.audit.list({ action: 'identity.key.add' }, { limit: 1 })).items
    expect(entry).toMatchObject({ actor: 'token:test', subject: 'ID_REPO/uin', detail: { generation: 2 } })
  })

  test('give their certificate with its chain', async () => {
    const query = 'applicationId=KERNEL&referenceId=SIGN'
    const { body } = await call('GET', `/demo/identity/keys/certificate?${query}`)
    const [leaf, root] = [body.certificate, ...body.chain].map((pem) => parseCertificate(pem))
    const expected = { intermediates: [], anchors: [root!], at: Date.now(), revoked: () => false }
    expect(await verifyChain(leaf!, { ...expected, usage: 'sign' })).toHaveLength(2)
  })

  test('are given to the callers that a policy names', async () => {
    const policy = { applicationId: 'ID_REPO', actors: ['token:one', 'token:two'] }
    expect((await call('PUT', '/demo/identity/key-policies', policy)).body).toEqual(policy)
    expect((await call('GET', '/demo/identity/key-policies')).body.items).toEqual([policy])
    await call('PUT', '/demo/identity/key-policies', { ...policy, actors: [] })
    expect((await call('GET', '/demo/identity/key-policies')).body.items).toEqual([])
  })

  test('are not for every operator, nor of every application', async () => {
    expect((await call('POST', '/demo/identity/keys/renew', NAME, 'auditor')).status).toBe(403)
    expect(
      (await call('PUT', '/demo/identity/key-policies', { ...NAME, actors: [] }, 'auditor')).status,
    ).toBe(403)
    expect((await call('GET', '/demo/identity/keys', undefined, 'identity-service')).status).toBe(403)
    expect((await call('GET', '/other/identity/keys')).status).toBe(404)
    const unknown = { applicationId: 'ID_REPO', referenceId: 'unheard' }
    expect((await call('POST', '/demo/identity/keys/renew', unknown)).status).toBe(404)
    const master = { applicationId: 'KERNEL', referenceId: 'IDENTITY_CACHE' }
    expect((await call('POST', '/demo/identity/keys/renew', master)).status).toBe(415)
  })
})
