import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { selfSignedCertificate } from '../../../test/kit/self-signed-certificate.ts'
import { runCommand, temporaryFolder } from './run-command.ts'
import { type Answer, problem, startScriptedAdmin } from './scripted-admin.ts'

const TOKEN = { KEYHAVEN_ADMIN_TOKEN: 'kh_test' }

/** Every error that a user can provoke: its exit code, and that it says what to do. */
const WRONG_USAGE: ReadonlyArray<readonly [string, string, RegExp]> = [
  ['', 'Usage: keyhaven', /./],
  ['nonsense', "unknown command 'nonsense'", /keyhaven --help/],
  ['keys', 'Usage: keyhaven keys', /./],
  ['keys lst demo', 'Did you mean list?', /keyhaven keys( [a-z]+)? --help/],
  ['keys list', "missing required argument 'application'", /keyhaven keys( [a-z]+)? --help/],
  ['keys list demo --nope', "unknown option '--nope'", /keyhaven keys( [a-z]+)? --help/],
  ['keys revoke demo 1', "required option '--reason <text>' not specified", /--help/],
  ['keys add demo --activate-at tomorrow', '"tomorrow" is not a time', /2026-12-01T08:00:00Z/],
  ['keys add demo --end-at 2026-13-45', '"2026-13-45" is not a time', /\+7d/],
  ['keys schedule demo 1', 'there is nothing to set', /--activate-at/],
  ['keys show demo 1 --format pem', "'pem' is invalid", /--help/],
  ['keys add demo --suite rsa', "'rsa' is invalid. Allowed choices are x-wing, x25519, p-256.", /--help/],
  ['apps add x --suite rsa', "'rsa' is invalid. Allowed choices are x-wing, x25519, p-256.", /--help/],
  ['apps list --limit 0', '--limit: "0" is not allowed', /1 to 200/],
  ['apps list --limit ten', '--limit: "ten" is not allowed', /1 to 200/],
  ['apps add x --root abc', '"abc" is not a thumbprint', /keyhaven trust root show/],
  ['apps list --server ftp://x', '"ftp://x" is not an http or https address', /http:\/\/127\.0\.0\.1:8788/],
  ['apps list --server http://u:p@127.0.0.1:1', 'holds a user name or password', /KEYHAVEN_ADMIN_TOKEN/],
  ['apps list --server https://keys.example', 'is not this machine', /--trust THUMBPRINT/],
  ['apps list --trust short', '"short" is not a thumbprint', /43/],
  // A dash at its beginning makes no option of a thumbprint: -V would show the version, -h the help.
  [
    `apps list ${['-V', '-h', '--'].map((begin) => `--trust ${begin.padEnd(43, 'A')} `).join('')}`,
    '3 thumbprints are too many',
    /spare/,
  ],
  [`apps list ${'--trust '.concat('A'.repeat(43), ' ').repeat(3)}`, '3 thumbprints are too many', /spare/],
  ['tokens add x', "required option '--role <role>' not specified", /--help/],
  [
    'tokens add x --role auditor --role king',
    "'king' is invalid. Allowed choices are admin, key-manager, auditor, partner-manager, registration-officer, identity-service.",
    /--help/,
  ],
  [
    'serve --log-level loud',
    'one of silent, fatal, error, warn, info, debug, trace',
    /keyhaven serve --help/,
  ],
  ['completion tcsh', "'tcsh' is invalid", /--help/],
  ['trust delegate --root r --application a --epoch -1 --manifest-key {}', '--epoch: "-1"', /whole number/],
  ['trust delegate --root r --application a --epoch 1 --manifest-key {} --days 91', '"91"', /1 to 90/],
  ['trust delegate --root r --application a --epoch 1 --manifest-key {}', 'not an Ed25519', /trust status/],
  ['trust verify --application a', "required option '--root <thumbprint>' not specified", /--help/],
]

describe('wrong usage exits with 2 and says what to do', () => {
  test.each(WRONG_USAGE)('keyhaven %s', async (line, message, advice) => {
    const result = await runCommand(line.split(' ').filter(Boolean), { env: TOKEN })
    expect(result.stderr).toContain(message)
    expect(result.stderr).toMatch(advice)
    expect(result.exitCode).toBe(2)
    expect(result.stdout).toBe('')
  })

  test.each(WRONG_USAGE)('keyhaven --json %s', async (line, _message, _advice) => {
    const result = await runCommand(['--json', ...line.split(' ').filter(Boolean)], { env: TOKEN })
    const { error } = JSON.parse(result.stderr)
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(/./) })
    expect(error.code).toMatch(/^[A-Z_]+$/)
    expect(error.advice).toMatch(/\.$/)
  })
})

const ANSWERS: ReadonlyArray<readonly [string, Answer, number, string, string]> = [
  [
    '401',
    { status: 401, json: problem('UNAUTHENTICATED', 401, 'no such token') },
    3,
    'no such token',
    'KEYHAVEN_ADMIN_TOKEN',
  ],
  [
    '403',
    { status: 403, json: problem('ACCESS_DENIED', 403, 'no', 'needs key-manager') },
    3,
    'needs key-manager',
    'tokens list',
  ],
  [
    '404',
    { status: 404, json: problem('NOT_FOUND', 404, 'no application "x"') },
    4,
    'no application',
    'apps list',
  ],
  [
    '409',
    { status: 409, json: problem('CONFLICT', 409, 'it is there already') },
    1,
    'there already',
    'try again',
  ],
  ['429', { status: 429, json: problem('RATE_LIMITED', 429, 'too many') }, 1, 'too many', 'Wait'],
  [
    '503',
    { status: 503, json: problem('STORE_UNAVAILABLE', 503, 'no database') },
    1,
    'no database',
    'doctor',
  ],
  ['500', { status: 500, json: problem('INTERNAL', 500, 'The server failed') }, 1, 'failed', "server's log"],
  [
    '400 with fields',
    {
      status: 400,
      json: { ...problem('INPUT_INVALID', 400, 'no'), errors: [{ path: 'q', message: 'too long' }] },
    },
    2,
    'no: q too long',
    '--help',
  ],
  [
    '400 with fields and a detail that names them, said once',
    {
      status: 400,
      json: {
        ...problem('INPUT_INVALID', 400, 'no', 'q: too long'),
        errors: [{ path: 'q', message: 'too long' }],
      },
    },
    2,
    'no: q: too long\n',
    '--help',
  ],
  ['500 without a problem', { status: 500, text: 'oops' }, 1, 'status 500', '--server'],
  ['a web page', { text: '<html></html>' }, 1, 'does not answer like the admin API', '--server'],
  ['403 of something else', { status: 403, text: 'forbidden' }, 3, 'answered 403', 'role'],
  [
    'a redirect',
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    1,
    'no answer from',
    '--server',
  ],
]

describe('answers of the server become exit codes and advice', () => {
  test.each(ANSWERS)('%s', async (_name, answer, exitCode, message, advice) => {
    await using admin = await startScriptedAdmin({ 'GET /admin/v1/applications': answer })
    const result = await runCommand(['apps', 'list', '--server', admin.url], { env: TOKEN })
    expect(result.stderr).toContain(message)
    expect(result.stderr).toContain('what to do:')
    expect(result.stderr).toContain(advice)
    expect(result.exitCode).toBe(exitCode)
  })

  test('an answer without end is given up', async () => {
    const endless = (async () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) }),
      )) as typeof fetch
    const result = await runCommand(['apps', 'list'], { env: TOKEN, fetch: endless })
    expect(result.stderr).toContain('more than 16777216 bytes')
    expect(result.exitCode).toBe(1)
  })

  test('nobody answers', async () => {
    const result = await runCommand(['apps', 'list', '--server', 'http://127.0.0.1:1'], { env: TOKEN })
    expect(result.stderr).toContain('no answer from http://127.0.0.1:1')
    expect(result.stderr).toContain('keyhaven serve')
    expect(result.exitCode).toBe(1)
  })
})

describe('the admin token', () => {
  const answers = { 'GET /admin/v1/tokens': { json: { items: [] } } }

  test('comes from the environment', async () => {
    await using admin = await startScriptedAdmin(answers)
    const result = await runCommand(['tokens', 'list', '--server', admin.url], { env: TOKEN })
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    expect(admin.seen[0]?.authorization).toBe('Bearer kh_test')
  })

  test('or from the data folder', async () => {
    await using admin = await startScriptedAdmin(answers)
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, '.keyhaven'))
    await writeFile(join(folder.path, '.keyhaven', 'admin-token'), 'kh_file\n')
    const result = await runCommand(['tokens', 'list', '--server', admin.url], { cwd: folder.path })
    expect(result.exitCode).toBe(0)
    expect(admin.seen[0]?.authorization).toBe('Bearer kh_file')
  })

  test('that is missing: says where it looked', async () => {
    await using folder = await temporaryFolder()
    const result = await runCommand(['tokens', 'list'], { cwd: folder.path })
    expect(result.stderr).toContain(join(folder.path, '.keyhaven', 'admin-token'))
    expect(result.stderr).toContain('--data DIR')
    expect(result.exitCode).toBe(3)
  })

  test('that is no token is not sent', async () => {
    const result = await runCommand(['tokens', 'list'], { env: { KEYHAVEN_ADMIN_TOKEN: 'a b\r\nx: y' } })
    expect(result.stderr).toContain('does not hold a token')
    expect(result.exitCode).toBe(3)
  })

  test("of this machine's server never goes to another one", async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, '.keyhaven'))
    await writeFile(join(folder.path, '.keyhaven', 'admin-token'), 'kh_file\n')
    const never = (() => expect.unreachable('nothing may be sent')) as unknown as typeof fetch
    const argv = ['tokens', 'list', '--server', 'https://keys.example', '--trust', 'A'.repeat(43)]
    const result = await runCommand(argv, { cwd: folder.path, fetch: never })
    expect(result.stderr).toContain('there is no token for this server')
    expect(result.exitCode).toBe(3)
  })

  test('is no option', async () => {
    const result = await runCommand(['tokens', 'list', '--token', 'kh_x'])
    expect(result.stderr).toContain("unknown option '--token'")
    expect(result.exitCode).toBe(2)
  })
})

test('a certificate of an unknown authority is named, with what to do about it', async () => {
  const { certificate, privateKey } = selfSignedCertificate()
  const server = createServer({ cert: certificate, key: privateKey }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const verify = ['trust', 'verify', '--application', 'a', '--root', 'A'.repeat(43), '--url', url]
  try {
    for (const argv of [verify, ['apps', 'list', '--server', url]]) {
      const result = await runCommand(argv, { env: TOKEN })
      expect(result.stderr).toContain(`no answer from ${url} (DEPTH_ZERO_SELF_SIGNED_CERT)`)
      expect(result.stderr).toContain('NODE_EXTRA_CA_CERTS')
    }
  } finally {
    server.close()
  }
})
