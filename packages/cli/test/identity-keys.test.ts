import { expect, test } from 'vitest'
import { runCommand } from './run-command.ts'
import { startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const PATH = '/admin/v1/applications/demo/identity'
const KEY = {
  ...{ id: 'K7.4', applicationId: 'ID_REPO', referenceId: 'uin', generation: 2, state: 'current' },
  ...{
    thumbprint: 'ab'.repeat(32),
    createdAt: '2026-01-01T00:00:00.000Z',
    notAfter: '2028-01-01T00:00:00.000Z',
  },
}
const ANSWERS = {
  [`GET ${PATH}/keys`]: {
    json: { items: [KEY, { ...KEY, id: 'K1', applicationId: 'ROOT', referenceId: '' }], nextCursor: null },
  },
  [`GET ${PATH}/keys/certificate`]: { json: { certificate: 'LEAF\n', chain: ['MODULE\n', 'ROOT\n'] } },
  [`POST ${PATH}/keys/renew`]: { json: { certificate: 'NEW\n', chain: [] } },
  [`PUT ${PATH}/key-policies`]: { json: { applicationId: 'ID_REPO', actors: ['token:one'] } },
}

test('identity keys list shows names as they are given', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const { stdout, exitCode } = await runCommand(['identity', 'keys', 'list', 'demo', '--server', admin.url], {
    env,
  })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/K7\.4\s+ID_REPO\/uin\s+2\s+current\s+2028-01-01/)
  expect(stdout).toMatch(/K1\s+ROOT\s+2/)
})

test('identity keys certificate writes PEM, with the chain if asked', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const args = ['identity', 'keys', 'certificate', 'demo', 'ID_REPO/uin', '--server', admin.url]
  expect((await runCommand(args, { env })).stdout).toBe('LEAF\n')
  expect((await runCommand([...args, '--chain'], { env })).stdout).toBe('LEAF\nMODULE\nROOT\n')
})

test('identity keys renew and allow send what was given', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const server = ['--server', admin.url]
  expect((await runCommand(['identity', 'keys', 'renew', 'demo', 'ROOT', ...server], { env })).stdout).toBe(
    'NEW\n',
  )
  const allow = ['identity', 'keys', 'allow', 'demo', 'ID_REPO']
  expect((await runCommand([...allow, 'one', ...server], { env })).stdout).toContain('token:one')
  expect(admin.seen.map(({ body }) => body)).toMatchObject([
    { applicationId: 'ROOT', referenceId: '' },
    { applicationId: 'ID_REPO', actors: ['token:one'] },
  ])
  for (const wrong of [
    allow,
    [...allow, 'one', '--everyone'],
    ['identity', 'keys', 'renew', 'demo', 'a/b/c'],
  ]) {
    expect((await runCommand([...wrong, ...server], { env })).exitCode).toBe(2)
  }
})
