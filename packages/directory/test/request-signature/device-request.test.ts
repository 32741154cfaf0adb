import { KeyhavenError, type SigningKey, toBase64url, utf8, type VerifyKey } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  DEVICE_REQUEST_WINDOW_SECONDS,
  type RequestParts,
  signDeviceRequest,
  verifyDeviceRequest,
} from '@keyhaven/directory'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'

const NOW = 1_795_230_000
const APPLICATION = 'demo'
const SEAL = new Uint8Array(DEVICE_REQUEST_EXPORT_BYTES).fill(7)
const DEVICE = toBase64url(new Uint8Array(16).fill(1))
const OTHER_DEVICE = toBase64url(new Uint8Array(16).fill(2))
const REVOKED_DEVICE = toBase64url(new Uint8Array(16).fill(3))
const RSA_DEVICE = toBase64url(new Uint8Array(16).fill(4))

const REQUEST: RequestParts = {
  method: 'POST',
  authority: 'keys.example.com:8443',
  path: '/v1/directory/look-up',
  query: '?a=1',
  body: utf8('{"username":"bob"}'),
  export: (label, length) => {
    expect(label).toEqual(DEVICE_REQUEST_EXPORT_LABEL)
    expect(length).toBe(DEVICE_REQUEST_EXPORT_BYTES)
    return SEAL
  },
}

let key: SigningKey
let otherKey: SigningKey
let devices: Map<string, { requestKey: VerifyKey; revoked: boolean; username: string }>
let nonces: Set<string>

beforeAll(async () => {
  key = await nodeBackend.signatures.generateKeyPair('EdDSA')
  otherKey = await nodeBackend.signatures.generateKeyPair('EdDSA')
  const rsa = await nodeBackend.signatures.generateKeyPair('PS256')
  devices = new Map([
    [DEVICE, { requestKey: key.publicKey, revoked: false, username: 'alice' }],
    [OTHER_DEVICE, { requestKey: otherKey.publicKey, revoked: false, username: 'mallory' }],
    [REVOKED_DEVICE, { requestKey: key.publicKey, revoked: true, username: 'alice' }],
    [RSA_DEVICE, { requestKey: rsa.publicKey, revoked: false, username: 'alice' }],
  ])
})

beforeEach(() => {
  nonces = new Set()
})

interface Received extends RequestParts {
  readonly headers: Headers
  readonly application: string
  readonly channelExport: Uint8Array
  readonly now: number
}

async function sent(
  changes: { application?: string; device?: string; key?: SigningKey; at?: number } = {},
): Promise<Received> {
  const { application = APPLICATION, device = DEVICE, at = NOW } = changes
  const signer = {
    backend: nodeBackend,
    application,
    device,
    key: changes.key ?? key,
    clock: () => at * 1_000,
  }
  const headers = new Headers((await signDeviceRequest(signer, REQUEST)) as [string, string][])
  return { ...REQUEST, headers, application: APPLICATION, channelExport: SEAL, now: NOW }
}

function verified(received: Received) {
  return verifyDeviceRequest({
    ...received,
    backend: nodeBackend,
    findDevice: (device) => devices.get(device),
    seenNonce: ({ device, nonce }) => {
      const seen = nonces.has(device + nonce)
      nonces.add(device + nonce)
      return seen
    },
  })
}

const codeOf = (received: Received) =>
  verified(received).then(
    () => 'accepted',
    (error) => error.code as string,
  )

const withHeader = (received: Received, name: string, change: (value: string) => string): Received => {
  const headers = new Headers(received.headers)
  headers.set(name, change(headers.get(name)!))
  return { ...received, headers }
}

test('a signed request is accepted, and says which device asks', async () => {
  expect(await verified(await sent())).toMatchObject({ device: DEVICE, username: 'alice' })
})

test('it has exactly the form of docs/formats.md', async () => {
  const { headers } = await sent()
  expect([...headers.keys()].sort()).toEqual([
    'content-digest',
    'keyhaven-application',
    'keyhaven-channel',
    'signature',
    'signature-input',
  ])
  const nonce = /nonce="([^"]*)"/.exec(headers.get('signature-input')!)![1]
  expect(headers.get('signature-input')).toBe(
    'sig=("@method" "@authority" "@path" "@query" "keyhaven-application" "content-digest" "keyhaven-channel")' +
      `;created=${NOW};nonce="${nonce}";keyid="${DEVICE}";alg="ed25519";tag="keyhaven-device"`,
  )
  expect(headers.get('keyhaven-channel')).toBe(toBase64url(SEAL))
})

test('an empty body is covered too', async () => {
  const signer = {
    backend: nodeBackend,
    application: APPLICATION,
    device: DEVICE,
    key,
    clock: () => NOW * 1_000,
  }
  const parts = { ...REQUEST, method: 'GET', query: '', body: new Uint8Array(0) }
  const headers = new Headers((await signDeviceRequest(signer, parts)) as [string, string][])
  expect(headers.get('content-digest')).toBe('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')
  const received = { ...parts, headers, application: APPLICATION, channelExport: SEAL, now: NOW }
  expect(await codeOf(received)).toBe('accepted')
  expect(await codeOf({ ...received, body: utf8(' ') })).toBe('UNAUTHENTICATED')
})

describe('refused with one answer', () => {
  const alterations: Record<string, (received: Received) => Received | Promise<Received>> = {
    'another method': (received) => ({ ...received, method: 'PUT' }),
    'another authority': (received) => ({ ...received, authority: 'keys.example.com' }),
    'another path': (received) => ({ ...received, path: '/v1/directory/entries' }),
    'another query': (received) => ({ ...received, query: '?a=2' }),
    'no query': (received) => ({ ...received, query: '' }),
    'another body': (received) => ({ ...received, body: utf8('{"username":"eve"}') }),
    'another body with its digest': async (received) => {
      const body = utf8('{"username":"eve"}')
      const digest = Buffer.from(await nodeBackend.sha256(body)).toString('base64')
      return withHeader({ ...received, body }, 'content-digest', () => `sha-256=:${digest}:`)
    },
    'a request for another application': (received) => ({ ...received, application: 'other' }),
    'an application swapped in the field and in the seal': (received) =>
      withHeader({ ...received, application: 'other' }, 'keyhaven-application', () => 'other'),
    'a replay in another seal': (received) => ({
      ...received,
      channelExport: new Uint8Array(DEVICE_REQUEST_EXPORT_BYTES).fill(8),
    }),
    'a replay in another seal, with its export': (received) => {
      const channelExport = new Uint8Array(DEVICE_REQUEST_EXPORT_BYTES).fill(8)
      return withHeader({ ...received, channelExport }, 'keyhaven-channel', () => toBase64url(channelExport))
    },
    'an export that is no base64url': (received) => withHeader(received, 'keyhaven-channel', () => '***'),
    'an old request': (received) => ({ ...received, now: NOW + DEVICE_REQUEST_WINDOW_SECONDS + 1 }),
    'a request from the future': (received) => ({
      ...received,
      now: NOW - DEVICE_REQUEST_WINDOW_SECONDS - 1,
    }),
    'another time': (received) =>
      withHeader(received, 'signature-input', (value) => value.replace(String(NOW), String(NOW + 1))),
    'another nonce': (received) =>
      withHeader(received, 'signature-input', (value) =>
        value.replace(/nonce="[^"]*"/, `nonce="${OTHER_DEVICE}"`),
      ),
    "another device's id": (received) =>
      withHeader(received, 'signature-input', (value) => value.replace(DEVICE, OTHER_DEVICE)),
    'an unknown device': (received) =>
      withHeader(received, 'signature-input', (value) => value.replace(DEVICE, 'A'.repeat(22))),
    "another device's key": () => sent({ key: otherKey }),
    'a device without an Ed25519 key': () => sent({ device: RSA_DEVICE }),
    'a revoked device, unproven': () => sent({ device: REVOKED_DEVICE, key: otherKey }),
    'a cut signature': (received) => withHeader(received, 'signature', (value) => `${value.slice(0, -5)}==:`),
    'a flipped bit': (received) =>
      withHeader(received, 'signature', (value) =>
        value.replace(/:./, (head) => (head === ':A' ? ':B' : ':A')),
      ),
  }
  test.each(Object.entries(alterations))('%s', async (_, alter) => {
    const error = await verified(await alter(await sent())).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(KeyhavenError)
    expect(error).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'the request is not signed by a known device',
    })
    expect(nonces.size).toBe(0)
  })

  test.each(['content-digest', 'keyhaven-application', 'keyhaven-channel', 'signature', 'signature-input'])(
    'without %s',
    async (name) => {
      const received = await sent()
      received.headers.delete(name)
      expect(await codeOf(received)).toBe('UNAUTHENTICATED')
    },
  )

  test.each(['content-digest', 'keyhaven-application', 'keyhaven-channel', 'signature', 'signature-input'])(
    '%s twice',
    async (name) => {
      const received = await sent()
      received.headers.append(name, received.headers.get(name)!)
      expect(await codeOf(received)).toBe('UNAUTHENTICATED')
    },
  )

  const forms: Record<string, (input: string) => string> = {
    'another label': (input) => input.replace('sig=', 'sig1='),
    'a component fewer': (input) => input.replace(' "keyhaven-channel"', ''),
    'a component more': (input) => input.replace('"keyhaven-channel"', '"keyhaven-channel" "date"'),
    'another order of components': (input) =>
      input.replace('"@method" "@authority"', '"@authority" "@method"'),
    'a parameter of a component': (input) => input.replace('"content-digest"', '"content-digest";req'),
    'another order of parameters': (input) => input.replace(/(;created=\d+)(;nonce="[^"]*")/, '$2$1'),
    'another algorithm': (input) => input.replace('ed25519', 'hmac-sha256'),
    'another tag': (input) => input.replace('keyhaven-device', 'other'),
    'no algorithm': (input) => input.replace(';alg="ed25519"', ''),
    'one more parameter': (input) => `${input};expires=${NOW + 10}`,
    'a second signature': (input) => `${input}, sig2=()`,
    spaces: (input) => input.replace(';nonce', '; nonce'),
    'a created with a leading zero': (input) => input.replace('created=', 'created=0'),
    'a created with a sign': (input) => input.replace('created=', 'created=-'),
    'a created with a fraction': (input) => input.replace(String(NOW), `${NOW}.0`),
    'a short nonce': (input) => input.replace(/nonce="./, 'nonce="'),
    'a nonce with bits behind its end': (input) => input.replace(/nonce="([^"]{21})./, 'nonce="$1_'),
  }
  test.each(Object.entries(forms))('a signature input with %s', async (_, change) => {
    const altered = withHeader(await sent(), 'signature-input', change)
    expect(altered.headers.get('signature-input')).not.toBe((await sent()).headers.get('signature-input'))
    expect(await codeOf(altered)).toBe('UNAUTHENTICATED')
  })
})

test('the same request a second time is refused', async () => {
  const received = await sent()
  expect(await codeOf(received)).toBe('accepted')
  expect(await codeOf(received)).toBe('UNAUTHENTICATED')
})

test('a clock may be off by two minutes, on either side', async () => {
  expect(await codeOf(await sent({ at: NOW - DEVICE_REQUEST_WINDOW_SECONDS }))).toBe('accepted')
  expect(await codeOf(await sent({ at: NOW + DEVICE_REQUEST_WINDOW_SECONDS }))).toBe('accepted')
})

test('a nonce is kept for as long as its request could come again', async () => {
  const received = await sent({ at: NOW + DEVICE_REQUEST_WINDOW_SECONDS })
  let kept = 0
  await verifyDeviceRequest({
    ...received,
    backend: nodeBackend,
    findDevice: (device) => devices.get(device),
    seenNonce: ({ expiresAt }) => {
      kept = expiresAt
      return false
    },
  })
  expect(await codeOf({ ...received, now: kept })).toBe('UNAUTHENTICATED')
  expect(kept).toBeLessThanOrEqual(NOW + 2 * DEVICE_REQUEST_WINDOW_SECONDS + 1)
})

test('only a device that proves itself learns that it is revoked', async () => {
  expect(await codeOf(await sent({ device: REVOKED_DEVICE }))).toBe('DEVICE_REVOKED')
})

test('a store of nonces that fails lets nothing through', async () => {
  const received = await sent()
  const failing = verifyDeviceRequest({
    ...received,
    backend: nodeBackend,
    findDevice: (device) => devices.get(device),
    seenNonce: () => Promise.reject(new Error('store is down')),
  })
  await expect(failing).rejects.toThrow('store is down')
})

test('only Ed25519 keys sign requests', async () => {
  const rsa = await nodeBackend.signatures.generateKeyPair('PS256')
  await expect(sent({ key: rsa })).rejects.toThrow(TypeError)
})
