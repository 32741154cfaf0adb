import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from '@keyhaven/crypto'
import { certificateToPem } from '@keyhaven/identity'
import { expect, test } from 'vitest'
import { testHolder } from '../../identity/test/kit/test-keys.ts'
import { runCommand, temporaryFolder } from './run-command.ts'
import { startScriptedAdmin } from './scripted-admin.ts'

const env = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }
const PATH = '/admin/v1/identity/authentication'
const AT = '2026-03-01T09:30:00.000Z'
const ANSWERS = {
  [`GET ${PATH}`]: {
    json: {
      ...{ partnerId: 'mpartner-default-auth', profile: 'mosip', partners: 3, windowMinutes: 15 },
      ...{ matcher: 'simulated matcher (compares simulated templates only)', channels: [], issuer: null },
    },
  },
  [`GET ${PATH}/answers`]: {
    json: {
      items: [
        {
          ...{
            id: 'a',
            at: AT,
            caller: 'partner:bank-1',
            kind: 'auth',
            result: 'no',
            types: ['demo', 'bio'],
          },
          ...{ errors: ['IDA-BIA-001'], token: null },
        },
      ],
      nextCursor: '41',
    },
  },
  [`GET ${PATH}/limits`]: {
    json: { items: [{ subject: 'partner:bank-1', failures: 1_000, limit: 1_000, until: AT, locked: true }] },
  },
  [`POST ${PATH}/unlock`]: { status: 204, text: '' },
}

test('auth status says that the matcher is simulated, and that no issuer is trusted', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const { stdout } = await runCommand(['auth', 'status', '--server', admin.url], { env })
  expect(stdout).toContain('simulated matcher')
  expect(stdout).toContain('none is trusted yet')
})

const PARTY = {
  ...{ url: 'http://127.0.0.1:1', partnerId: 'bank', apiKey: 'a', licenceKey: 'b' },
  ...{ certificate: 'bank.pem', privateKey: 'bank.key', idaRoots: 'bank.pem' },
}

test.each(['mosip', 'keyhaven'] as const)(
  'auth try, profile %s: nobody answers, or somebody else than an IDA',
  async (profile) => {
    await using folder = await temporaryFolder()
    await using admin = await startScriptedAdmin({})
    const holder = await testHolder(0, { subject: { commonName: 'bank' } })
    const pkcs8 = Buffer.from(await backend.rsa.exportPrivateKey(holder.key))
    const pem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
    await writeFile(join(folder.path, 'bank.pem'), certificateToPem(holder.certificate))
    await writeFile(join(folder.path, 'bank.key'), pem)
    const ask = async (party: object) => {
      await writeFile(join(folder.path, 'bank.json'), JSON.stringify(party))
      const args = ['auth', 'try', '--party', 'bank.json', '--id', '1', '--claim', 'dob=1990/05/11']
      return runCommand(args, { env, cwd: folder.path })
    }
    const nobody = await ask({ ...PARTY, profile })
    expect(nobody.stderr).toContain('IDA does not answer')
    expect(nobody.stderr).toContain('Check `url`')
    const other = await ask({ ...PARTY, profile, url: admin.url })
    expect(other.stderr).toContain(`no IDA of this profile is at ${admin.url}: it answers 404`)
    expect([nobody.exitCode, other.exitCode]).toEqual([1, 1])
    const wrong = await ask({ ...PARTY, profile: 'mosp' })
    expect(wrong.stderr).toContain('profile is neither mosip nor keyhaven')
    expect(wrong.exitCode).toBe(2)
  },
)

test.each([
  [['--otp', '123456'], '--otp needs --transaction'],
  [['--kyc'], 'nothing proves who it is'],
  [['--claim', 'dob=1990/05/11', '--id-type', 'NAME'], 'Allowed choices are UIN, VID'],
])('auth try %j is refused before anything is sent', async (given, message) => {
  const result = await runCommand(['auth', 'try', '--party', 'bank.json', '--id', '1', ...given], { env })
  expect(result.stderr).toContain(message)
  expect(result.exitCode).toBe(2)
})

test('auth list shows who asked and the answer, a page at a time', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const args = ['auth', 'list', '--partner', 'bank-1', '--server', admin.url]
  const { stdout, stderr } = await runCommand(args, { env })
  expect(stdout).toMatch(/partner:bank-1\s+auth\s+demo\+bio\s+no\s+IDA-BIA-001/)
  expect(stdout + stderr).toContain('--cursor 41')
  expect(admin.seen.at(-1)!.path).toContain('/answers')
})

test('auth limits and unlock: a subject or an id, and the id may come by stdin', async () => {
  await using admin = await startScriptedAdmin(ANSWERS)
  const run = (args: string[], stdin?: string) =>
    runCommand(['auth', ...args, '--server', admin.url], { env, ...(stdin === undefined ? {} : { stdin }) })
  expect((await run(['limits'])).stdout).toMatch(/partner:bank-1\s+1000 of 1000\s+locked/)
  expect((await run(['unlock'])).exitCode).toBe(2)
  expect((await run(['unlock', 'partner:bank-1', '--id', '1'])).exitCode).toBe(2)
  expect((await run(['unlock', 'partner:bank-1'])).exitCode).toBe(0)
  expect(admin.seen.at(-1)).toMatchObject({ body: { subject: 'partner:bank-1' } })
  await run(['unlock', '--id', '-'], '7193064825\n')
  expect(admin.seen.at(-1)).toMatchObject({ body: { id: '7193064825' } })
})

test('auth try names what its file lacks', async () => {
  const args = ['auth', 'try', '--party', '-', '--id', '1', '--claim', 'dob=1990/05/11']
  const { stderr, exitCode } = await runCommand(args, { env, stdin: '{}' })
  expect(exitCode).toBe(2)
  expect(stderr).toContain('url is missing')
})
