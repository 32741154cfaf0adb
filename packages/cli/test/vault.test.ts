import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from './run-command.ts'
import { startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const PATH = '/admin/v1/identity/vault'
const CREATED = '2026-03-01T09:30:00.000Z'
const ID = '0b54c0e4-8a1f-4f0e-9a53-6a7a0c1d2e3f'
const THUMBPRINT = '0f'.repeat(32)
const ANSWERS = {
  [`GET ${PATH}`]: {
    json: {
      ...{ role: 'main', profile: 'keyhaven', openConflicts: 1, credentials: { done: 3, left: 7 } },
      generations: [{ generation: 1, keys: 10_000, createdAt: CREATED }],
      recipients: [],
      backfills: [
        {
          ...{ partner: 'ida-2', policyId: 'policy-1', state: 'running', people: 4_200, total: 100_000 },
          ...{
            issued: 4_000,
            waiting: 199,
            failed: 1,
            startedBy: 'token:a',
            startedAt: CREATED,
            changedAt: CREATED,
          },
        },
      ],
    },
  },
  [`POST ${PATH}/pool`]: {
    status: 409,
    json: { code: 'CONFLICT', title: 'conflict', status: 409, detail: 'pool generation 0 exists' },
  },
  [`POST ${PATH}/rotation`]: { json: { generation: 2, keys: 10_000 } },
  [`POST ${PATH}/backfill`]: { status: 202, text: '' },
  [`POST ${PATH}/reencryption`]: { json: { planned: 0, done: 10, left: 0 } },
  [`GET ${PATH}/conflicts`]: {
    json: {
      items: [
        {
          id: ID,
          kind: 'import',
          index: 4_711,
          source: 'event-9',
          seenAt: CREATED,
          closedAt: null,
          closedBy: null,
        },
      ],
      nextCursor: null,
    },
  },
  [`POST ${PATH}/conflicts/${ID}/closure`]: { status: 204, text: '' },
  [`POST ${PATH}/recipients`]: {
    json: { partner: 'ida-1', thumbprint: THUMBPRINT, subject: 'CN=IDA-CRED_SERVICE', notAfter: CREATED },
  },
  [`DELETE ${PATH}/recipients/ida-1/${THUMBPRINT}`]: { status: 204, text: '' },
}

test('vault status shows generations, progress and what is missing', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const { stdout, exitCode } = await runCommand(['vault', 'status', '--server', admin.url], { env })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/credentials re-encrypted\s+3 of 10/)
  expect(stdout).toMatch(/1\s+10000\s+2026-03-01/)
  expect(stdout).toContain('no certificate of an IDA')
  expect(stdout).toMatch(/ida-2\s+policy-1\s+running\s+4200 of 100000\s+4000\s+199\s+1\n/)
})

test('vault create-pool is refused where there is one; rotate and reencrypt say how far they came', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const run = (...args: string[]) => runCommand(['vault', ...args, '--server', admin.url], { env })
  const refused = await run('create-pool')
  expect(refused.exitCode).not.toBe(0)
  expect(refused.stderr).toContain('pool generation 0 exists')
  expect((await run('rotate')).stdout).toMatch(/generation\s+2/)
  expect(JSON.parse((await run('reencrypt', '--json')).stdout)).toEqual({ done: 10, left: 0 })
})

test('vault backfill names the IDA, and says where its progress is', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const { stdout, stderr } = await runCommand(['vault', 'backfill', 'ida-2', '--server', admin.url], { env })
  expect(stdout).toContain('started for ida-2')
  expect(stderr).toContain('keyhaven vault status')
  expect(admin.seen.at(-1)).toMatchObject({ method: 'POST', body: { partner: 'ida-2' } })
})

test('vault conflicts lists, and closes with a reason only', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const run = (...args: string[]) =>
    runCommand(['vault', 'conflicts', ...args, '--server', admin.url], { env })
  expect((await run()).stdout).toMatch(/4711\s+import/)
  expect((await run('--close', ID)).stderr).toContain('--close needs --reason')
  expect((await run('--close', ID, '--reason', 'looked into')).exitCode).toBe(0)
  expect(admin.seen.at(-1)).toMatchObject({ method: 'POST', body: { reason: 'looked into' } })
})

test('vault recipients adds a certificate from a file, and removes one', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-cli-'))
  const file = join(folder, 'k22.pem')
  writeFileSync(file, '-----BEGIN CERTIFICATE-----')
  const run = (...args: string[]) =>
    runCommand(['vault', 'recipients', ...args, '--server', admin.url], { env })
  expect((await run('add', 'ida-1', '--certificate', file)).stdout).toContain(THUMBPRINT)
  expect(admin.seen.at(-1)?.body).toEqual({ partner: 'ida-1', certificate: '-----BEGIN CERTIFICATE-----' })
  expect((await run('remove', 'ida-1', THUMBPRINT)).stdout).toContain('removed')
  rmSync(folder, { recursive: true })
})
