import { expect, test } from 'vitest'
import { createGateway } from '../../src/gateway/index.ts'
import { clearError, createKit, outer, post, seal } from './gateway-kit.ts'

const PROBLEM = ['content-type', 'application/problem+json']

test('an unknown and a revoked key are named, with the problem type of RFC 9458', async () => {
  const kit = await createKit()
  for (const [keyId, code] of [
    [8, 'KEY_UNKNOWN'],
    [9, 'KEY_REVOKED'],
  ] as const) {
    const { envelope } = await seal({ ...kit, recipient: { ...kit.recipient, keyId } })
    const answer = await post(kit, envelope)
    expect(answer.status).toBe(401)
    expect(answer.headers).toContainEqual(PROBLEM)
    expect(JSON.parse(new TextDecoder().decode(answer.body))).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
      code,
      status: 401,
      detail: expect.any(String),
    })
  }
})

test('a key of one application does not open for another', async () => {
  const kit = await createKit()
  const { envelope } = await seal(kit)
  const answer = await post(kit, envelope, undefined, 'other')
  expect([answer.status, clearError(answer)]).toEqual([404, 'NOT_FOUND'])
})

test.each([
  '',
  'application/json',
  'message/ohttp-res',
  'message/ohttp-keys',
  'text/plain; message/ohttp-req',
])('media type %j is refused', async (type) => {
  const kit = await createKit()
  const { envelope } = await seal(kit)
  const answer = await post(kit, envelope, type)
  expect([answer.status, clearError(answer)]).toEqual([415, 'UNSUPPORTED'])
})

test('parameters and upper case do not change a media type', async () => {
  const kit = await createKit()
  const { envelope } = await seal(kit)
  expect((await post(kit, envelope, 'Message/OHTTP-chunked-req; q=1')).status).toBe(200)
})

test('other methods are refused', async () => {
  const kit = await createKit()
  for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
    const answer = await outer(await kit.gateway(new Request('https://gateway.example/', { method })))
    expect([answer.status, clearError(answer)]).toEqual([405, 'INPUT_INVALID'])
    expect(answer.headers).toContainEqual(['allow', 'GET, POST'])
  }
})

test('keys that cannot be looked up close the gateway', async () => {
  const kit = await createKit()
  const { envelope } = await seal(kit)
  const broken = createGateway({
    keys: {
      find: () => Promise.reject(new Error('database is gone: password=secret')),
      keyConfigs: () => Promise.reject(new Error('database is gone')),
    },
    replay: { refusesBefore: 0, insert: () => true, has: () => false },
    handler: () => new Response('ran'),
  })
  const answer = await post({ ...kit, gateway: broken }, envelope)
  expect([answer.status, clearError(answer)]).toEqual([503, 'STORE_UNAVAILABLE'])
  expect(new TextDecoder().decode(answer.body)).not.toContain('secret')
  const listed = await outer(await broken(new Request('https://gateway.example/')))
  expect(listed.status).toBe(503)
})
