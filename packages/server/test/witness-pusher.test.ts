import { backend } from '@keyhaven/crypto'
import {
  addCheckpoint,
  createNoteSigner,
  formatVerifierKey,
  parseVerifierKey,
  type Witness,
  type WitnessedLog,
} from '@keyhaven/directory/log'
import { expect, test } from 'vitest'
import { createStateFixture, ENGINES } from '../../../test/kit/engines.ts'
import { createApplicationService } from '../src/applications/application-service.ts'
import { createDirectoryLog } from '../src/directory/log/directory-log.ts'
import { createWitnessPusher } from '../src/directory/log/witness-pusher.ts'
import { createWitnessReports } from '../src/directory/log/witness-reports.ts'
import { createLogger } from '../src/platform/log/logger.ts'
import { createMetricsRegistry } from '../src/platform/metrics/registry.ts'

const DOWN = 503

test('a witness that is down is one error and, when it is back, one line; every attempt is counted', async () => {
  const fixture = await createStateFixture(ENGINES[0]!)
  const state = await fixture.open({ schedule: false })
  const applications = createApplicationService(state)
  await applications.ensureFirstStart()
  await applications.create({ id: 'other' }, 'token:test')
  const log = createDirectoryLog(state, Date.now, () => {})
  const key = await parseVerifierKey(backend, (await log.ensure('demo')).verifierKey)
  await log.ensure('other')

  const keyPair = await backend.signatures.generateKeyPair('EdDSA')
  const signer = await createNoteSigner(backend, 'witness.example/w', 'cosignature', keyPair)
  const seen = new Map<string, WitnessedLog>()
  const witness: Witness = {
    signer,
    logs: new Map([[key.name, [key]]]),
    state: {
      read: async (origin) => seen.get(origin),
      compareAndSet: async (origin, _size, next) => seen.set(origin, next) !== undefined,
    },
    clock: () => Math.floor(Date.now() / 1_000),
  }
  let failures = 2
  const send: typeof fetch = async (_url, init) => {
    const body = String(init?.body)
    if (body.includes(key.name) && failures-- > 0) return new Response(null, { status: DOWN })
    const answer = await addCheckpoint(backend, witness, body)
    return new Response(answer.body, {
      status: answer.status,
      headers: { 'content-type': answer.contentType },
    })
  }

  const lines: { msg: string; applicationId: string }[] = []
  const metrics = createMetricsRegistry()
  const written = new EventTarget()
  const logger = createLogger('info', {
    write(line) {
      lines.push(JSON.parse(line))
      written.dispatchEvent(new Event('line'))
    },
  })
  const pusher = createWitnessPusher({
    db: state.db,
    witnesses: [{ verifierKey: formatVerifierKey(signer.verifier), url: 'http://witness.invalid' }],
    clock: Date.now,
    reports: createWitnessReports(logger, metrics),
    fetch: send,
  })
  const linesOf = (applicationId: string) =>
    lines.filter((line) => line.applicationId === applicationId).map((line) => line.msg)
  try {
    const back = new Promise<void>((resolve) => {
      written.addEventListener('line', () => {
        if (linesOf('demo').length === 2) resolve()
      })
    })
    // The witness knows nothing of this log: it refuses it for ever, and cosigns the other one all the same.
    pusher.push('other')
    pusher.push('demo')
    await back
    expect(linesOf('demo')).toEqual([
      'a witness does not cosign: it is asked again',
      'the witness cosigns again',
    ])
    expect(linesOf('other')).toEqual(['a witness does not cosign: it is asked again'])
    const counted = metrics.snapshot().find(({ name }) => name === 'keyhaven_witness_failures_total')
    const [attempts] = Object.values(counted!.series)[0]!
    expect(attempts).toBeGreaterThan(linesOf('demo').length)
    expect(seen.get(key.name)?.size).toBe(1)
  } finally {
    await pusher.close()
    await log.close()
    await fixture.dispose()
  }
})
