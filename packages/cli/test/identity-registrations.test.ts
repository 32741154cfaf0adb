import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from './run-command.ts'
import { startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const PATH = '/admin/v1/applications/demo/identity'
const RID = '10001100770000120260301120000'
const VID = '5274918630527491'
const AT = '2026-03-01T12:00:00.000Z'
const registration = {
  ...{ rid: RID, refId: '10001_10077', stage: 'REJECTED', reason: 'PACKET_INVALID: officer', attempt: 2 },
  ...{ packetBytes: 9, packetHash: 'ab', officer: null, receivedAt: AT, changedAt: AT },
}
const record = { record: 'rec', status: 'BLOCKED', version: 1, createdAt: AT, changedAt: AT }
const vid = {
  vid: VID,
  type: 'Perpetual',
  status: 'ACTIVE',
  createdAt: AT,
  expiresAt: null,
  transactionLimit: null,
}
const schema = { version: 0.1, fields: 14, addedAt: AT, addedBy: 'token:schemer' }
const queue = { queue: 'identity.registration', waiting: 1, running: 0, dead: 2, oldestAt: AT }
const dead = {
  ...{ id: '0a'.repeat(16), queue: 'identity.registration', payload: { rid: RID }, attempts: 12 },
  ...{ failure: 'STORE_UNAVAILABLE: not now', createdAt: AT, diedAt: AT },
}
const machine = { centre: '10001', id: '10077', keyIndex: 'ab:cd', createdAt: AT, endedAt: null }

test.each([
  [
    'registrations list demo --stage REJECTED',
    'GET',
    '/registrations',
    { items: [registration], nextCursor: 'next' },
  ],
  ['registrations counts demo', 'GET', '/registrations/counts', { counts: { RECEIVED: 7 } }],
  [`registrations show demo ${RID}`, 'GET', `/registrations/${RID}`, { ...registration, history: [] }],
  [`uin show demo ${RID}`, 'GET', `/registrations/${RID}/identity`, record],
  [`vid list demo ${RID}`, 'GET', `/registrations/${RID}/vids`, { items: [vid] }],
  ['machines list demo', 'GET', '/machines', { items: [machine] }],
  ['schemas list demo', 'GET', '/schemas', { items: [schema] }],
  ['jobs list demo', 'GET', '/jobs', { items: [queue] }],
  ['jobs dead demo --limit 5', 'GET', '/jobs/dead', { items: [dead], nextCursor: null }],
])('identity %s shows what the server says', async (command, method, path, json) => {
  await using admin = await startScriptedAdmin({ [`${method} ${PATH}${path}`]: { json } })
  const run = (...more: string[]) =>
    runCommand(['identity', ...command.split(' '), '--server', admin.url, ...more], { env })
  expect(JSON.parse((await run('--json')).stdout)).toEqual(json)
  const { stdout, exitCode } = await run()
  expect(exitCode).toBe(0)
  const shown = command.includes('counts')
    ? '7'
    : [RID, 'BLOCKED', VID, 'ab:cd', 'token:schemer', 'identity.registration'].find((text) =>
        stdout.includes(text),
      )
  expect(stdout).toContain(shown)
})

test.each([
  [`uin block demo ${RID}`, `/registrations/${RID}/identity/status`, { status: 'BLOCKED' }, record],
  [`uin activate demo ${RID}`, `/registrations/${RID}/identity/status`, { status: 'ACTIVATED' }, record],
  [`vid create demo ${RID} --type Temporary`, `/registrations/${RID}/vids`, { type: 'Temporary' }, vid],
  [
    'officers add demo 110125',
    '/officers',
    { officer: '110125' },
    { officer: '110125', since: AT, until: null },
  ],
  ['machines end demo 10001 10077', '/machines/10001/10077/end', undefined, {}],
  [`jobs replay demo ${'0a'.repeat(16)}`, `/jobs/${'0a'.repeat(16)}/replay`, undefined, {}],
  ['centres close demo 10001', '/centres/10001/close', undefined, {}],
])('identity %s sends it', async (command, path, body, json) => {
  await using admin = await startScriptedAdmin({ [`POST ${PATH}${path}`]: { json } })
  const result = await runCommand(['identity', ...command.split(' '), '--server', admin.url], { env })
  expect(result.exitCode).toBe(0)
  expect(admin.seen).toMatchObject([{ path: `${PATH}${path}`, ...(body && { body }) }])
})

test('identity machines add reads the key from a file, vid revoke names the number in the body only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-cli-'))
  const key = join(folder, 'machine.pem')
  writeFileSync(key, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')
  await using admin = await startScriptedAdmin({
    [`POST ${PATH}/machines`]: { json: machine },
    [`POST ${PATH}/registrations/${RID}/vids/revocation`]: { json: {} },
  })
  const server = ['--server', admin.url]
  const add = ['identity', 'machines', 'add', 'demo', '10001', '10077', '--key', key, ...server]
  expect((await runCommand(add, { env })).stdout).toContain('ab:cd')
  expect(
    (await runCommand(['identity', 'vid', 'revoke', 'demo', RID, VID, ...server], { env })).exitCode,
  ).toBe(0)
  expect(JSON.stringify(admin.seen[0])).toContain('BEGIN PUBLIC KEY')
  expect(admin.seen[1]).toMatchObject({ body: { vid: VID } })
  rmSync(folder, { recursive: true })
})

test('identity machines add takes the key as DER too, schemas add a file and its version', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-cli-'))
  const [key, file] = [join(folder, 'reg.pub'), join(folder, 'schema.json')]
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  writeFileSync(key, der)
  writeFileSync(file, '{"properties":{}}')
  await using admin = await startScriptedAdmin({
    [`POST ${PATH}/machines`]: { json: machine },
    [`POST ${PATH}/schemas`]: { json: schema },
  })
  const run = (...args: string[]) => runCommand(['identity', ...args, '--server', admin.url], { env })
  expect((await run('machines', 'add', 'demo', '10001', '10077', '--key', key)).exitCode).toBe(0)
  expect(admin.seen[0]).toMatchObject({ body: { publicKey: der.toString('base64') } })
  const machineKey = generateKeyPairSync('ed25519')
  for (const pem of [
    machineKey.publicKey.export({ type: 'spki', format: 'pem' }),
    machineKey.privateKey.export({ type: 'pkcs8', format: 'pem' }), // by mistake: its public part is sent
  ]) {
    writeFileSync(key, pem)
    expect((await run('machines', 'add', 'demo', '10001', '10078', '--key', key)).exitCode).toBe(0)
    const { publicKey: sent } = admin.seen.at(-1)!.body as { publicKey: string }
    expect(JSON.parse(sent)).toEqual(machineKey.publicKey.export({ format: 'jwk' }))
  }
  expect((await run('schemas', 'add', 'demo', file, '--schema-version', 'x')).stderr).toContain(
    'Write it like 0.1',
  )
  expect((await run('schemas', 'add', 'demo', file, '--schema-version', '0.1')).stdout).toContain(
    'token:schemer',
  )
  expect(admin.seen.at(-1)).toMatchObject({ body: { version: 0.1, schema: { properties: {} } } })
  rmSync(folder, { recursive: true })
})
