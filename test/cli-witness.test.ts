import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from '@keyhaven/crypto'
import { addCosignatures, importLogTrust, openCheckpoint, parseVerifierKey } from '@keyhaven/directory/log'
import { beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../packages/cli/test/run-command.ts'
import { type CliFolder, createCliFolder } from './cli/cli-folder.ts'
import { type StartedWitness, startWitness, submit } from './cli/started-witness.ts'
import { createTestLog, type TestLog } from './cli/test-log.ts'

const MAX_BODY_BYTES = 300_000
/** Kills, and how long each witness lives at most after it was asked. */
const ROUNDS = 8
const LONGEST_WAIT_MS = 12
const WITNESS_FILE = '.keyhaven-witness/witness.db'

let log: TestLog

beforeAll(async () => {
  log = await createTestLog()
  await log.append(40)
})

/** Checks the cosignature as a client that demands this witness does. */
async function openCosigned(witness: StartedWitness, size: number, lines: string) {
  const key = await parseVerifierKey(backend, witness.verifierKey)
  const note = await addCosignatures(backend, await log.checkpoint(size), lines, [key])
  const witnesses = { keys: [witness.verifierKey], threshold: 1 }
  const trust = await importLogTrust(backend, { log: log.verifierKey, witnesses })
  return openCheckpoint(backend, note, { ...trust, now: Math.floor(Date.now() / 1_000) })
}

test('a witness cosigns a log that grows, and keeps its key and its memory over a restart', async () => {
  await using folder = await createCliFolder()
  let verifierKey: string
  {
    await using witness = await startWitness(folder, [log.verifierKey])
    verifierKey = witness.verifierKey
    expect(witness).toMatchObject({ isNew: true, logs: [log.origin] })
    expect(witness.setting).toBe(`KEYHAVEN_WITNESSES=${verifierKey}@${witness.url}`)
    const answer = await submit(witness, await log.addCheckpoint(0, 10))
    expect(answer.status).toBe(200)
    const opened = await openCosigned(witness, 10, await answer.text())
    expect(opened.cosignatures).toHaveLength(1)
    // The answer may be here before the line on the other process's output.
    await expect.poll(() => witness.events).toEqual([{ event: 'cosigned', origin: log.origin, size: 10 }])
    expect(await witness.stop()).toBe(0)
  }
  await using witness = await startWitness(folder, [log.verifierKey])
  expect(witness).toMatchObject({ isNew: false, verifierKey })
  const first = await submit(witness, await log.addCheckpoint(0, 40))
  expect([first.status, first.headers.get('content-type'), await first.text()]).toEqual([
    409,
    'text/x.tlog.size',
    '10\n',
  ])
  const second = await submit(witness, await log.addCheckpoint(10, 40))
  expect(second.status).toBe(200)
  expect((await openCosigned(witness, 40, await second.text())).size).toBe(40)
})

test('only its owner can read its file', async () => {
  await using folder = await createCliFolder()
  await using witness = await startWitness(folder, [log.verifierKey])
  await submit(witness, await log.addCheckpoint(0, 10))
  const modes = [WITNESS_FILE, `${WITNESS_FILE}-wal`, '.keyhaven-witness'].map(async (file) =>
    ((await stat(join(folder.path, file))).mode & 0o777).toString(8),
  )
  expect(await Promise.all(modes)).toEqual(['600', '600', '700'])
})

test('it shows its key, its logs and the last checkpoint that it cosigned', async () => {
  await using folder = await createCliFolder()
  await using witness = await startWitness(folder, [log.verifierKey], '--name', 'witness.example/w1')
  expect(await (await fetch(witness.url)).text()).toBe(`${witness.verifierKey}\n${log.origin}\n`)
  expect(witness.verifierKey).toMatch(/^witness\.example\/w1\+/)
  const place = `${witness.url}/${createHash('sha256').update(log.origin).digest('hex')}/checkpoint`
  expect((await fetch(place)).status).toBe(404)
  await submit(witness, await log.addCheckpoint(0, 7))
  const note = await (await fetch(place)).text()
  expect(note).toContain(`${log.origin}\n7\n`)
  expect(note).toContain('— witness.example/w1 ')
  expect((await fetch(`${witness.url}/nothing`)).status).toBe(404)
})

describe('it refuses', () => {
  let folder: CliFolder
  let witness: StartedWitness
  beforeAll(async () => {
    folder = await createCliFolder()
    witness = await startWitness(folder, [log.verifierKey])
    await submit(witness, await log.addCheckpoint(0, 20))
    return async () => {
      await witness[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    }
  })

  test('a log that it does not know', async () => {
    const other = await createTestLog('log.example/other')
    expect((await submit(witness, await other.addCheckpoint(0))).status).toBe(404)
  })

  test('another key of a log that it knows', async () => {
    const other = await createTestLog(log.origin)
    expect((await submit(witness, await other.addCheckpoint(0))).status).toBe(403)
  })

  test('a log that forked, and says so with the evidence', async () => {
    const forked = await log.fork(15)
    await forked.append(25, 'other')
    const body = await forked.addCheckpoint(20, 40)
    expect((await submit(witness, body)).status).toBe(422)
    const refused = witness.events.find(({ event }) => event === 'refused')
    expect(refused).toMatchObject({ origin: log.origin, size: 40 })
    expect(body.endsWith(`\n\n${refused?.checkpoint}`)).toBe(true)
  })

  test('another root of the size that it cosigned', async () => {
    const forked = await log.fork(15)
    await forked.append(5, 'other')
    const before = witness.events.length
    const { status } = await submit(witness, await forked.addCheckpoint(20, 20))
    expect([409, 422]).toContain(status)
    expect(witness.events.slice(before)).toMatchObject([{ event: 'refused', size: 20 }])
  })

  test('a log that shrank', async () => {
    expect((await submit(witness, await log.addCheckpoint(10, 10))).status).toBe(409)
  })

  test('what is no request', async () => {
    expect((await submit(witness, 'nonsense')).status).toBe(400)
    expect((await submit(witness, '')).status).toBe(400)
    expect((await fetch(`${witness.url}/add-checkpoint`)).status).toBe(405)
    expect((await fetch(witness.url, { method: 'DELETE' })).status).toBe(405)
  })

  test('a body that is too long, without reading it all', async () => {
    expect((await submit(witness, 'x'.repeat(MAX_BODY_BYTES))).status).toBe(413)
    expect((await submit(witness, await log.addCheckpoint(20, 21))).status).toBe(200)
  })
})

test('kill -9 at any moment: never two roots of one size, and what was answered is not forgotten', async () => {
  await using folder = await createCliFolder()
  let base = await createTestLog()
  await base.append(3)
  const { verifierKey, size: first } = base
  {
    await using witness = await startWitness(folder, [verifierKey])
    expect((await submit(witness, await base.addCheckpoint(0))).status).toBe(200)
  }
  let cut = 0
  for (let round = 0; round < ROUNDS; round++) {
    const size = first + round
    const branches = [await base.fork(size), await base.fork(size)]
    for (const [index, branch] of branches.entries()) await branch.append(1, `branch ${index} `)
    const submissions = async (oldSize: number) =>
      Promise.all(
        branches.map(async (branch) => ({ branch, body: await branch.addCheckpoint(oldSize, size + 1) })),
      )
    const grown = await submissions(size)
    const cosigned = new Set<TestLog>()
    const send = async (witness: StartedWitness, all: typeof grown) => {
      const answers = all.map(async ({ branch, body }) => {
        const { status } = await submit(witness, body)
        if (status === 200) cosigned.add(branch)
      })
      cut += (await Promise.allSettled(answers)).filter(({ status }) => status === 'rejected').length
    }
    {
      await using witness = await startWitness(folder, [verifierKey])
      const sent = send(witness, round % 2 === 0 ? grown : grown.toReversed())
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_WAIT_MS))
      await witness.stop('SIGKILL')
      await sent
    }
    await using witness = await startWitness(folder, [verifierKey])
    await send(witness, grown)
    await send(witness, await submissions(size + 1))
    expect(cosigned.size).toBe(1)
    base = [...cosigned][0]!
  }
  expect(cut).toBeGreaterThan(0)
})

test('two processes on one folder are one witness', async () => {
  await using folder = await createCliFolder()
  const [a, b] = await Promise.all([
    startWitness(folder, [log.verifierKey]),
    startWitness(folder, [log.verifierKey]),
  ])
  await using _a = a
  await using _b = b
  expect(a.verifierKey).toBe(b.verifierKey)
  expect([a.isNew, b.isNew].toSorted()).toEqual([false, true])
  for (let size = 1; size < 30; size++) {
    const forked = await log.fork(size)
    await forked.append(1, 'other')
    const base = await submit(a, await log.addCheckpoint(size === 1 ? 0 : size, size))
    expect(base.status).toBe(200)
    const real = await log.addCheckpoint(size, size + 1)
    const other = await forked.addCheckpoint(size, size + 1)
    const answers = await Promise.all([submit(a, real), submit(b, other), submit(b, real), submit(a, other)])
    const [real1, other1, real2, other2] = answers.map(({ status }) => status === 200)
    expect((real1 || real2) && (other1 || other2)).toBe(false)
    if (other1 || other2) return // it went with the fork, and stays with it
  }
})

test('wrong options are named', async () => {
  const run = async (...options: string[]) => {
    const { exitCode, stderr } = await runCommand(['witness', '--json', ...options])
    return { exitCode, ...JSON.parse(stderr).error }
  }
  expect(await run()).toMatchObject({ exitCode: 2, message: expect.stringContaining('--log') })
  expect(await run('--log', 'nonsense')).toMatchObject({ exitCode: 2, code: 'INPUT_INVALID' })
  const key = ['--log', log.verifierKey]
  expect(await run(...key, '--listen', '9000')).toMatchObject({ exitCode: 2 })
  expect(await run(...key, '--listen', '127.0.0.1:99999')).toMatchObject({ exitCode: 2 })
  expect(await run(...key, '--public-url', 'ftp://x')).toMatchObject({ exitCode: 2 })
  expect(await run(...key, '--name', 'a b')).toMatchObject({ exitCode: 2 })
})

test('a witness keeps its name', async () => {
  await using folder = await createCliFolder()
  await using witness = await startWitness(folder, [log.verifierKey], '--name', 'witness.example/w1')
  await witness.stop()
  await expect(startWitness(folder, [log.verifierKey], '--name', 'witness.example/w2')).rejects.toThrow(
    'this witness is called witness.example/w1',
  )
})

test('the private key is in no output', async () => {
  await using folder = await createCliFolder()
  await using witness = await startWitness(folder, [log.verifierKey])
  await submit(witness, await log.addCheckpoint(0, 10))
  const file = (await readFile(join(folder.path, WITNESS_FILE))).toString('latin1')
  const wal = (await readFile(join(folder.path, `${WITNESS_FILE}-wal`))).toString('latin1')
  const secret = /"d":"([A-Za-z0-9_-]{43})"/.exec(file + wal)?.[1]
  expect(secret).toBeDefined()
  expect(JSON.stringify(witness)).not.toContain(secret)
})
