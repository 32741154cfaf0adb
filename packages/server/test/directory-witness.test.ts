import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backend } from '@keyhaven/crypto'
import type { Witness, WitnessedLog } from '@keyhaven/directory/log'
import {
  addCheckpoint,
  createNoteSigner,
  formatVerifierKey,
  importLogTrust,
  openCheckpoint,
  parseVerifierKey,
} from '@keyhaven/directory/log'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ENGINES } from '../../../test/kit/engines.ts'
import type { TestServer } from '../../../test/kit/test-server.ts'
import { startTestServer } from '../../../test/kit/test-server.ts'
import { enrollUser, openUser } from './fixtures/directory-user.ts'

const APP = 'app'

describe.each(ENGINES)('witnesses of the log on $name', (engine) => {
  let server: TestServer | undefined
  const listeners: Server[] = []
  const logs = new Map<string, WitnessedLog>()
  let known: Witness['logs'] = new Map()
  let witnessKey: string
  let witnessUrl: string
  /** Accepts connections and never answers. */
  let deadUrl: string
  let deadKey: string
  let deadCalls = 0

  const listen = async (handler: Parameters<typeof createServer>[1]) => {
    const listener = createServer(handler)
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    listeners.push(listener)
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  }
  const newSigner = async (name: string) =>
    createNoteSigner(backend, name, 'cosignature', await backend.signatures.generateKeyPair('EdDSA'))

  beforeEach(async () => {
    logs.clear()
    const signer = await newSigner('witness.example/one')
    witnessKey = formatVerifierKey(signer.verifier)
    deadKey = formatVerifierKey((await newSigner('witness.example/dead')).verifier)
    witnessUrl = await listen(async (request, response) => {
      let body = ''
      for await (const piece of request) body += String(piece)
      const state: Witness['state'] = {
        read: async (origin) => logs.get(origin),
        compareAndSet: async (origin, size, next) => {
          if ((logs.get(origin)?.size ?? 0) !== size) return false
          logs.set(origin, next)
          return true
        },
      }
      const answer = await addCheckpoint(
        backend,
        { signer, logs: known, state, clock: () => Math.floor(Date.now() / 1_000) },
        body,
      )
      response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body)
    })
    deadCalls = 0
    deadUrl = await listen(() => {
      deadCalls++
    })
    server = await startTestServer(engine, {
      KEYHAVEN_WITNESSES: `${witnessKey}@${witnessUrl},${deadKey}@${deadUrl}`,
    })
    await server.admin('POST', '/applications', { id: APP, suite: 'x25519' })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await server?.dispose()
    for (const listener of listeners.splice(0)) {
      listener.closeAllConnections()
      listener.close()
    }
  })
  const base = `/applications/${APP}/directory`

  test('cosign each checkpoint; a dead one holds nobody up; clients may demand a cosignature', async () => {
    const { verifierKey } = (await server!.admin('GET', `${base}/log`)).body
    const key = await parseVerifierKey(backend, verifierKey)
    known = new Map([[key.name, [key]]])
    // Nobody gives the dead one up any more: whoever waited for it would wait for ever.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal)
    await enrollUser(server!, APP, 'alice')
    await expect.poll(() => deadCalls).toBeGreaterThan(0)

    const trust = { witnesses: { keys: [witnessKey], threshold: 1 } }
    const imported = await importLogTrust(backend, { log: verifierKey, ...trust })
    const read = async () => (await fetch(`${server!.publicUrl}/log/${APP}/checkpoint`)).text()
    await expect
      .poll(async () => {
        const now = Math.floor(Date.now() / 1_000)
        const opened = await openCheckpoint(backend, await read(), {
          ...imported,
          now,
          maxAgeSeconds: 3_600,
        })
        return [opened.size, opened.cosignatures.map((cosignature) => cosignature.name)]
      })
      .toEqual([2, ['witness.example/one']])
    const bob = await enrollUser(server!, APP, 'bob')
    // Waits for the cosignature of the checkpoint that its own entry made.
    const strict = await openUser(server!, APP, 'bob', bob.device as never, trust)
    strict.client.use({
      username: 'bob',
      device: bob.device.device,
      signer: bob.device.signer,
      requestKey: bob.device.requestKey!,
    })
    await expect.poll(() => strict.client.lookUp('bob').then((user) => user.sequence)).toBe(0)
    const { witnesses } = (await server!.admin('GET', `${base}/log`)).body
    expect(witnesses).toEqual([
      { name: 'witness.example/one', lastCosignedAt: expect.any(String) },
      { name: 'witness.example/dead', lastCosignedAt: null },
    ])
  })
})
