import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCredentialRoutes } from '../packages/server/src/identity/credentials/credential-routes.ts'
import { createIdentityCallers } from '../packages/server/src/identity/identity-callers.ts'
import {
  createKeyPolicies,
  type ManagedKeyPolicies,
} from '../packages/server/src/identity/keys/key-policies.ts'
import { addVaultRoutes } from '../packages/server/src/identity/vault/vault-routes.ts'
import { createTokenStore } from '../packages/server/src/platform/auth/token-store.ts'
import { createApp } from '../packages/server/src/platform/http/create-app.ts'
import { createLogger } from '../packages/server/src/platform/log/logger.ts'
import { ENGINES } from './kit/engines.ts'
import {
  APPLICATION,
  AUTH_POLICY,
  IDA_PARTNER,
  openVaultWorld,
  type VaultWorld,
} from './kit/identity-vault.ts'

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any member
  readonly body: any
}

const UIN = '5283940617'
const ADMIN_TOKEN = `kh_${'a'.repeat(43)}`

let world: VaultWorld
let call: (method: string, path: string, request?: object, token?: string) => Promise<Answer>
let policies: ManagedKeyPolicies
let service: string
let auditor: string

beforeAll(async () => {
  world = await openVaultWorld(ENGINES[0]!, 'mosip')
  await world.issuer.vault.createPool('test')
  const tokens = createTokenStore(world.main, ADMIN_TOKEN, world.now)
  const make = async (name: string, role: 'identity-service' | 'auditor') =>
    (await tokens.create({ name, roles: [role], expiresAt: null }, 'test')).token
  service = await make('service', 'identity-service')
  auditor = await make('auditor', 'auditor')
  const app = createApp(createLogger('silent'))
  const parts = {
    callers: createIdentityCallers({ tokens, oidc: undefined, clock: world.now }),
    clock: world.now,
  }
  policies = createKeyPolicies(world.main, APPLICATION)
  addVaultRoutes(app, { ...parts, zk: world.issuer.zk, policies })
  addCredentialRoutes(app, { ...parts, credentials: world.credentials })
  call = async (method, path, request, token = service) => {
    const response = await app.fetch(
      new Request(`http://main.invalid${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(request && { body: JSON.stringify({ id: 'test', version: '1.0', request }) }),
      }),
      { origin: { sealed: false, remoteAddress: '127.0.0.1', secure: false } },
    )
    return { status: response.status, body: await response.json() }
  }
})
afterAll(() => world.dispose())

const attributes = (values: Record<string, string>) =>
  Object.entries(values).map(([identifier, value]) => ({ identifier, value }))

test('zkEncrypt and zkDecrypt as MOSIP’s key manager has them, with its spelling', async () => {
  const zkDataAttributes = attributes({ fullName: 'Invented Person', phone: '5550123' })
  const { body } = await call('POST', '/v1/keymanager/zkEncrypt', { id: UIN, zkDataAttributes })
  expect(body.errors).toBeNull()
  expect(Object.keys(body.response)).toEqual(['zkDataAttributes', 'encryptedRandomKey', 'rankomKeyIndex'])
  const sealed = body.response.zkDataAttributes
  for (const { value } of sealed) {
    expect(Buffer.from(value, 'base64url').readUInt32BE(0)).toBe(Number(body.response.rankomKeyIndex))
  }
  const opened = await call('POST', '/v1/keymanager/zkDecrypt', { id: UIN, zkDataAttributes: sealed })
  expect(opened.body.response).toEqual({ zkDataAttributes })
  const padded = sealed.map((one: { value: string }) => ({
    ...one,
    value: Buffer.from(one.value, 'base64url').toString('base64'),
  }))
  expect(
    (await call('POST', '/v1/keymanager/zkDecrypt', { id: UIN, zkDataAttributes: padded })).body.response,
  ).toEqual({
    zkDataAttributes,
  })
})

test('whatever does not open has one code and one text', async () => {
  const zkDataAttributes = attributes({ phone: '5550123' })
  const { body } = await call('POST', '/v1/keymanager/zkEncrypt', { id: UIN, zkDataAttributes })
  const value = Buffer.from(body.response.zkDataAttributes[0].value, 'base64url')
  const flipped = Buffer.from(value)
  flipped[60]! ^= 1
  const unknownKey = Buffer.from(value)
  unknownKey.writeUInt32BE(20_000, 0)
  const refusals = new Set<string>()
  const tries = [
    [UIN, flipped.toString('base64url')],
    [UIN, unknownKey.toString('base64url')],
    [UIN, value.subarray(0, 40).toString('base64url')],
    [UIN, '%%%'],
    ['5283940618', value.toString('base64url')],
  ] as const
  for (const [id, text] of tries) {
    const request = { id, zkDataAttributes: [{ identifier: 'phone', value: text }] }
    const answer = await call('POST', '/v1/keymanager/zkDecrypt', request)
    refusals.add(JSON.stringify([answer.status, answer.body.errors]))
  }
  const strange = await call('POST', '/v1/keymanager/zkReEncryptRandomKey', { encryptedKey: 'AAAA.BBBB' })
  refusals.add(JSON.stringify([strange.status, strange.body.errors]))
  expect([...refusals]).toHaveLength(1)
  expect([...refusals][0]).toContain('KER-CRY-003')
})

test('a credential is ordered and its state is told; nobody else may', async () => {
  const request = {
    requestId: 'r-1',
    id: UIN,
    credentialType: 'auth',
    issuer: IDA_PARTNER,
    policyId: AUTH_POLICY,
  }
  const { body } = await call('POST', '/v1/credentialrequest/requestgenerator', request)
  expect(body.response).toEqual({ requestId: 'r-1' })
  expect((await call('GET', '/v1/credentialrequest/get/r-1')).body.response.statusCode).toBe('NEW')
  await world.credentials.issue('r-1')
  const issued = (await call('GET', '/v1/credentialrequest/get/r-1')).body.response
  expect(issued).toMatchObject({ statusCode: 'ISSUED', issuer: IDA_PARTNER })
  expect(JSON.stringify(issued)).not.toContain(UIN)
  expect((await call('GET', '/v1/credentialrequest/get/r-2')).body.errors[0].errorCode).toBe('IDR-CRG-005')
  expect(
    (await call('POST', '/v1/credentialrequest/requestgenerator', { ...request, id: '' })).body.errors,
  ).toHaveLength(1)
  expect(
    (await call('GET', '/v1/credentialrequest/get/r-1', undefined, auditor)).body.errors[0].errorCode,
  ).toBe('KER-ATH-403')
  expect((await call('GET', '/v1/credentialrequest/get/r-1', undefined, 'kh_wrong')).status).toBe(401)
})

test('an order of a service does not stand in the way of those of a registration', async () => {
  const rid = '10001100770000120260102030405'
  const { body } = await call('POST', '/v1/credentialrequest/requestgenerator', {
    ...{ requestId: `${rid}-${IDA_PARTNER}-${AUTH_POLICY}`, id: UIN, credentialType: 'auth' },
    ...{ issuer: IDA_PARTNER, policyId: AUTH_POLICY },
  })
  expect(body.errors[0].errorCode).toBe('IDR-CRG-009')
})

test('who is not named in the key policy of KERNEL encrypts, and opens nothing', async () => {
  const zkDataAttributes = attributes({ fullName: 'Invented Person' })
  const sealed = await call('POST', '/v1/keymanager/zkEncrypt', { id: UIN, zkDataAttributes })
  const asked = { id: UIN, zkDataAttributes: sealed.body.response.zkDataAttributes }
  const open = async () => (await call('POST', '/v1/keymanager/zkDecrypt', asked)).body.errors?.[0].errorCode
  await policies.set('KERNEL', ['token:other'], 'test')
  expect(await open()).toBe('KER-ATH-403')
  const { encryptedRandomKey: encryptedKey } = sealed.body.response
  const again = await call('POST', '/v1/keymanager/zkReEncryptRandomKey', { encryptedKey })
  expect(again.body.errors[0].errorCode).toBe('KER-ATH-403')
  expect(
    (await call('POST', '/v1/keymanager/zkEncrypt', { id: UIN, zkDataAttributes })).body.errors,
  ).toBeNull()
  await policies.set('KERNEL', ['token:service'], 'test')
  expect(await open()).toBeUndefined()
})
