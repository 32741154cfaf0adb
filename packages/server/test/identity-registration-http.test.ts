import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { SIMULATED_SCHEMA_JSON } from '@keyhaven/identity/simulator'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StateFixture } from '../../../test/kit/engines.ts'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createIdentityCallers } from '../src/identity/identity-callers.ts'
import { addAdminRegistrationRoutes } from '../src/identity/registration/admin-registration-routes.ts'
import { addAdminStationRoutes } from '../src/identity/registration/admin-station-routes.ts'
import { addRegistrationRoutes } from '../src/identity/registration/registration-routes.ts'
import { addRepositoryRoutes } from '../src/identity/repository/repository-routes.ts'
import { authenticate } from '../src/platform/auth/authenticate.ts'
import type { AdminEnv, Principal } from '../src/platform/auth/principal.ts'
import type { Role } from '../src/platform/auth/roles.ts'
import type { AppEnv } from '../src/platform/http/call-origin.ts'
import { createApp } from '../src/platform/http/create-app.ts'
import { createRateLimiter } from '../src/platform/http/rate-limit.ts'
import type { JobRunner } from '../src/platform/jobs/job.ts'
import { createLogger } from '../src/platform/log/logger.ts'
import { createDiskStore } from '../src/platform/objects/disk-store.ts'
import type { State } from '../src/platform/state/state.ts'
import {
  APP,
  machineKey,
  openTestRegistrations,
  REF_ID,
  STATION,
  simulatedPacket,
} from './fixtures/registration-parts.ts'

const RECEIVER = '/registrationprocessor/v1/packetreceiver/registrationpackets'
const ADMIN = `/admin/v1/applications/${APP}/identity`
const PIECE_BYTES = 30_000
const origin = { sealed: false, remoteAddress: '127.0.0.1', secure: false } as const

type Parts = Awaited<ReturnType<typeof openTestRegistrations>>

/** A token names its role. */
const tokens = {
  async verify(token: string): Promise<Principal | undefined> {
    const [role, name = 'test'] = token.split('.')
    if (role === 'nobody') return undefined
    const rest = { method: 'token', oidc: false, expiresAt: null, tokenId: '' } as const
    return { actor: `token:${name}`, roles: [role as Role], ...rest }
  },
}

describe.each(ENGINES)('registration over HTTP on $name', (engine) => {
  let fixture: StateFixture
  let state: State
  let parts: Parts
  let app: OpenAPIHono<AppEnv>
  let admin: OpenAPIHono<AdminEnv>
  let runner: JobRunner
  beforeEach(async () => {
    fixture = await createStateFixture(engine)
    state = await fixture.open({ schedule: false })
    const objects = createDiskStore(join(fixture.folder, 'objects'))
    parts = await openTestRegistrations(state, objects, { issue: async () => {} })
    const { registrations, repository, jobs } = parts
    const logger = createLogger('silent')
    app = createApp(logger)
    addRegistrationRoutes(app, { registrations, tokens, clock: Date.now })
    const callers = createIdentityCallers({ tokens, oidc: undefined, clock: Date.now })
    addRepositoryRoutes(app, { callers, state, applicationId: APP, repository, clock: Date.now })
    admin = createApp<AdminEnv>(logger)
    const failures = createRateLimiter({ burst: 9, perMinute: 9 }, Date.now)
    admin.use('/admin/*', authenticate({ tokens, failures }))
    addAdminRegistrationRoutes(admin, { applicationId: APP, registrations, repository })
    const { stations, schemas } = registrations
    addAdminStationRoutes(admin, { applicationId: APP, state, stations, schemas, jobs })
    runner = registrations.run((error) => {
      throw error
    })
  })
  afterEach(async () => {
    await runner.stop()
    await fixture.dispose()
  })

  const call = (path: string, init: RequestInit & { token?: string } = {}, to: OpenAPIHono<AppEnv> = app) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${init.token ?? 'registration-officer'}`)
    return Promise.resolve(to.fetch(new Request(`http://test${path}`, { ...init, headers }), { origin }))
  }
  const operate = async (method: string, path: string, body?: unknown, token = 'admin') => {
    const init = {
      ...{ method, token, headers: { 'content-type': 'application/json' } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }
    const response = await call(`${ADMIN}${path}`, init, admin as unknown as OpenAPIHono<AppEnv>)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const setUp = async () => {
    const publicKey = Buffer.from((await machineKey()).publicKeySpki).toString('base64')
    await operate('POST', '/centres', { id: STATION.centreId, name: 'Invented Town Hall' })
    await operate('POST', '/machines', { centre: STATION.centreId, id: STATION.machineId, publicKey })
    await operate('POST', '/officers', { officer: 'officer-1' })
  }
  const done = (rid: string) =>
    vi.waitFor(
      async () => {
        const { body } = await operate('GET', `/registrations/${rid}`)
        expect(body.stage).toBe('CREDENTIALS_ISSUED')
        return body
      },
      { timeout: 60_000, interval: 30 },
    )
  const form = (name: string, bytes: Uint8Array) => {
    const data = new FormData()
    data.append('file', new File([Uint8Array.from(bytes)], name))
    return data
  }
  const upload = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array,
    token?: string,
  ) =>
    call(path, {
      method,
      headers: { 'tus-resumable': '1.0.0', ...headers },
      ...(body && { body: Uint8Array.from(body) }),
      ...(token && { token }),
    })
  const piece = (path: string, offset: number, body: Uint8Array, token?: string) =>
    upload(
      'PATCH',
      path,
      { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body,
      token,
    )

  test('MOSIP’s multipart upload: received once, then recognised', async () => {
    await setUp()
    const keys = await (await call(`/v1/identity/machines/${REF_ID}`)).json()
    expect(keys).toMatchObject({
      record: expect.stringMatching(/^ey/),
      certificates: [expect.stringContaining('BEGIN CERTIFICATE')],
    })
    expect((await call('/v1/identity/machines/10001_10078')).status).toBe(404)
    const { fileName, bytes, rid } = await simulatedPacket('Example Person 1', 1)
    const first = await call(RECEIVER, { method: 'POST', body: form(fileName, bytes) })
    expect(await first.json()).toMatchObject({
      id: 'mosip.registration.packet',
      version: '1.0',
      response: { status: 'PACKET_RECEIVED' },
      errors: null,
    })
    const again = await call(RECEIVER, { method: 'POST', body: form(fileName, bytes) })
    expect(await again.json()).toMatchObject({ response: null, errors: [{ errorCode: 'RPR-PKR-005' }] })
    const wrong = await call(RECEIVER, { method: 'POST', body: form('packet.zip', bytes) })
    expect(await wrong.json()).toMatchObject({ errors: [{ errorCode: 'RPR-PKR-003' }] })
    const none = await call(RECEIVER, { method: 'POST', body: new FormData() })
    expect(await none.json()).toMatchObject({ errors: [{ errorCode: 'RPR-PKR-003' }] })
    expect(await done(rid)).toMatchObject({ rid, refId: REF_ID, officer: 'officer-1', reason: null })
  })

  test('a resumable upload: cut, asked how far it is, gone on with, and seen', async () => {
    await setUp()
    const { fileName, bytes, rid } = await simulatedPacket('Example Person 1', 1)
    const head = { 'upload-length': String(bytes.length), 'keyhaven-packet': fileName }
    const begun = await upload('POST', '/v1/identity/packets', head)
    expect(begun.status).toBe(201)
    const path = begun.headers.get('location')!
    expect(path).toMatch(/^\/v1\/identity\/packets\/[\w-]{22}$/)
    const half = bytes.subarray(0, PIECE_BYTES)
    expect((await piece(path, 0, half)).status).toBe(204)
    expect((await piece(path, 0, half)).status).toBe(409)
    const how = await upload('HEAD', path, {})
    expect(how.headers.get('upload-offset')).toBe(String(PIECE_BYTES))
    // Somebody else's token sees nothing and changes nothing.
    for (const method of ['HEAD', 'DELETE']) {
      expect((await upload(method, path, {}, undefined, 'registration-officer.other')).status).toBe(404)
    }
    expect(
      (await piece(path, PIECE_BYTES, bytes.subarray(PIECE_BYTES), 'registration-officer.other')).status,
    ).toBe(404)
    expect((await call(`/v1/identity/registrations/${rid}`)).status).toBe(404)
    expect((await piece(path, PIECE_BYTES, bytes.subarray(PIECE_BYTES))).status).toBe(204)
    const state = await (await call(`/v1/identity/registrations/${rid}`, { token: 'auditor' })).json()
    expect(state).toMatchObject({ rid, packetBytes: bytes.length, history: [{ stage: 'RECEIVED' }] })
    await done(rid)
    expect((await upload('DELETE', path, {})).status).toBe(409)
    expect((await upload('POST', '/v1/identity/packets', head)).status).toBe(409)
    expect((await upload('HEAD', path, {})).headers.get('upload-offset')).toBe(String(bytes.length))
  })

  test('of two uploads of one registration at the same time one is kept', async () => {
    await setUp()
    const at = Date.now()
    const [one, two] = [
      await simulatedPacket('Example Person 1', 1, { at }),
      await simulatedPacket('Example Person 1', 1, { at }),
    ]
    const paths = []
    for (const { fileName, bytes } of [one, two]) {
      const head = { 'upload-length': String(bytes.length), 'keyhaven-packet': fileName }
      paths.push((await upload('POST', '/v1/identity/packets', head)).headers.get('location')!)
    }
    expect((await piece(paths[0]!, 0, one.bytes)).status).toBe(204)
    const late = await piece(paths[1]!, 0, two.bytes)
    expect(late.status).toBe(409)
    expect(await late.json()).toMatchObject({ code: 'DUPLICATE' })
    const rows = await state.db.selectFrom('identity_packets').select('state').execute()
    expect(rows).toEqual([{ state: 'complete' }])
  })

  test('refuses what it does not take, and whoever has no right', async () => {
    const packet = { 'keyhaven-packet': `${'1'.repeat(29)}-${REF_ID}-20260301120000.zip` }
    const cases = [
      [{ ...packet, 'upload-length': '0' }, 400],
      [{ ...packet, 'upload-length': String(65 * 1024 * 1024) }, 413],
      [{ 'upload-length': '10', 'keyhaven-packet': '../../etc/passwd' }, 400],
      [{ 'upload-length': '10' }, 400],
      [{ ...packet, 'upload-length': '10', 'upload-metadata': 'name YQ==' }, 400],
      [{ ...packet, 'upload-length': '10', 'x-http-method-override': 'DELETE' }, 400],
    ] as const
    for (const [headers, status] of cases) {
      const response = await upload('POST', '/v1/identity/packets', { ...headers })
      expect([headers, response.status]).toEqual([headers, status])
    }
    const begin = { ...packet, 'upload-length': '10' }
    const flood = await upload('POST', '/v1/identity/packets', begin, new Uint8Array(9 * 1024 * 1024))
    expect(flood.status).toBe(413)
    const routes = [
      ['POST', '/v1/identity/packets'],
      ['POST', RECEIVER],
      ['GET', '/v1/identity/registrations/1'],
      ['GET', '/idrepository/v1/identity/5274918635'],
      ['POST', '/idrepository/v1/vid'],
    ] as const
    for (const [method, path] of routes) {
      const unknown = await call(path, { method, token: 'nobody' })
      expect(unknown.status).toBe(401)
      const denied = await call(path, { method, token: 'key-manager' })
      expect(denied.status).toBe(403)
      if (!path.startsWith('/idrepository')) continue
      expect(await unknown.json()).toMatchObject({ response: null, errors: [{ errorCode: 'KER-ATH-401' }] })
      expect(await denied.json()).toMatchObject({ response: null, errors: [{ errorCode: 'KER-ATH-403' }] })
    }
    for (const path of ['/registrations', '/registrations/counts', '/machines', '/officers', '/jobs']) {
      expect((await operate('GET', path, undefined, 'key-manager')).status).toBe(403)
      expect((await operate('GET', path, undefined, 'auditor')).status).toBe(200)
    }
    expect((await operate('POST', '/officers', { officer: 'x' }, 'registration-officer')).status).toBe(403)
    expect((await operate('POST', '/registrations/1/vids', { type: 'Perpetual' }, 'auditor')).status).toBe(
      403,
    )
    const elsewhere = await call(
      '/admin/v1/applications/other/identity/registrations',
      { token: 'admin' },
      admin as never,
    )
    expect(elsewhere.status).toBe(404)
  })

  test('operators see stages and counts, block a person and make VIDs, and never see data', async () => {
    await setUp()
    const packets = []
    for (const n of [1, 2, 3]) packets.push(await simulatedPacket(`Example Person ${n}`, n))
    for (const { fileName, bytes } of packets)
      await call(RECEIVER, { method: 'POST', body: form(fileName, bytes) })
    for (const { rid } of packets) await done(rid)
    const { body: counted } = await operate('GET', '/registrations/counts')
    expect(counted.counts).toMatchObject({ RECEIVED: 0, REJECTED: 0, CREDENTIALS_ISSUED: 3 })
    const { body: page } = await operate('GET', '/registrations?limit=2&stage=CREDENTIALS_ISSUED')
    const { body: rest } = await operate('GET', `/registrations?limit=2&cursor=${page.nextCursor}`)
    expect([...page.items, ...rest.items].map(({ rid }: { rid: string }) => rid).sort()).toEqual(
      packets.map(({ rid }) => rid).sort(),
    )
    const { rid, person } = packets[0]!
    const of = `/registrations/${rid}`
    const shown = JSON.stringify([
      page,
      rest,
      await operate('GET', of),
      await operate('GET', `${of}/identity`),
    ])
    for (const { value } of person.fields.fullName) expect(shown).not.toContain(value)
    const made = await operate('POST', `${of}/vids`, { type: 'Perpetual' })
    expect(made).toMatchObject({ status: 201, body: { type: 'Perpetual', expiresAt: null } })
    expect(await operate('POST', `${of}/vids`, { type: 'Perpetual' })).toMatchObject({ status: 409 })
    expect((await operate('GET', `${of}/vids`)).body.items).toEqual([made.body])
    const named = { vid: made.body.vid }
    const others = `/registrations/${packets[1]!.rid}/vids/revocation`
    expect(await operate('POST', others, named)).toMatchObject({ status: 404 })
    expect(await operate('POST', `${of}/identity/status`, { status: 'BLOCKED' })).toMatchObject({
      body: { status: 'BLOCKED', version: 1 },
    })
    expect(await operate('POST', `${of}/vids/revocation`, named)).toMatchObject({ status: 204 })
    expect((await operate('GET', '/jobs')).body.items).toEqual([])
    expect(await operate('POST', '/jobs/00000000000000000000000000000000/replay')).toMatchObject({
      status: 404,
    })
  })

  test('operators add ID schemas, which say no more of packets than how many fields they have', async () => {
    const added = await operate('POST', '/schemas', { version: 0.1, schema: SIMULATED_SCHEMA_JSON })
    expect(added).toMatchObject({ status: 201, body: { version: 0.1, fields: 15 } })
    expect(await operate('POST', '/schemas', { version: 0.2, schema: {} })).toMatchObject({ status: 400 })
    expect(await operate('POST', '/schemas', { version: -1, schema: SIMULATED_SCHEMA_JSON })).toMatchObject({
      status: 400,
    })
    const other = { ...SIMULATED_SCHEMA_JSON, title: 'another' }
    expect(await operate('POST', '/schemas', { version: 0.1, schema: other })).toMatchObject({ status: 409 })
    expect((await operate('GET', '/schemas')).body.items).toEqual([added.body])
    const { items } = await state.audit.list({ action: 'identity.schema.add' })
    expect(items.map(({ subject, detail }) => [subject, detail])).toEqual([['0.1', { fields: 15 }]])
  })

  test('services of the identity system read a person as from MOSIP’s id-repository, each read audited', async () => {
    await setUp()
    const { fileName, bytes, rid, person } = await simulatedPacket('Example Person 1', 1)
    await call(RECEIVER, { method: 'POST', body: form(fileName, bytes) })
    await done(rid)
    const uin = await parts.repository.uinOf(rid)
    const ask = async (path: string, init: RequestInit = {}) =>
      (await call(path, { token: 'identity-service', ...init })).json()
    const whole = await ask(`/idrepository/v1/identity/idvid/${uin}?type=bio`)
    expect(whole.response.identity).toMatchObject({ ...person.fields, UIN: uin })
    expect(whole.response.documents.map(({ category }: { category: string }) => category)).toEqual([
      'individualBiometrics',
    ])
    const requestOf = (body: object) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request: body }),
    })
    const { response } = await ask('/idrepository/v1/vid', requestOf({ UIN: uin, vidType: 'Temporary' }))
    expect(response).toMatchObject({ VID: expect.stringMatching(/^\d{16}$/), vidStatus: 'ACTIVE' })
    expect((await ask(`/idrepository/v1/vid/${response.VID}`)).response).toEqual({ UIN: uin })
    const revoke = { ...requestOf({ vidStatus: 'REVOKED' }), method: 'PATCH' }
    expect((await ask(`/idrepository/v1/vid/${response.VID}`, revoke)).response).toEqual({
      vidStatus: 'REVOKED',
    })
    for (const request of [
      {},
      { UIN: uin, vidType: 'Eternal' },
      { UIN: { of: uin }, vidType: 'Temporary' },
    ]) {
      const asked = await ask('/idrepository/v1/vid', requestOf(request))
      expect(asked).toMatchObject({ id: 'mosip.vid.create', errors: [{ errorCode: 'IDR-IDC-002' }] })
    }
    expect(await ask(`/idrepository/v1/identity/${uin}?type=everything`)).toMatchObject({
      ...{ id: 'mosip.id.read', version: 'v1', response: null },
      errors: [{ errorCode: 'IDR-IDC-002' }],
    })
    // What was changed at rest is no answer about the person.
    const { items: read } = await state.audit.list({ action: 'identity.record.read' })
    for (const file of await readdir(join(fixture.folder, 'objects'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (file.isFile()) await writeFile(join(file.parentPath, file.name), 'changed')
    }
    const damaged = await call(`/idrepository/v1/identity/${uin}?type=bio`, { token: 'identity-service' })
    expect([damaged.status, (await damaged.json()).code]).toEqual([400, 'OPEN_FAILED'])
    for (const id of [response.VID, '5274918635', '1', 'x']) {
      expect(await ask(`/idrepository/v1/identity/${id}`)).toMatchObject({
        errors: [{ errorCode: 'IDR-IDC-007' }],
      })
    }
    expect(read.map(({ detail }) => detail.type)).toEqual(['uin', 'bio'])
    expect(JSON.stringify(read)).not.toContain(uin)
  })
})
