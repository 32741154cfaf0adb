import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backend, toBase64url, utf8 } from '@keyhaven/crypto'
import {
  type AppendedLog,
  appendToPeaks,
  consistencyProof,
  createLogSigner,
  encodeEntryBundle,
  encodeLeaf,
  encodeTile,
  formatAddCheckpoint,
  formatVerifierKey,
  type LogNodes,
  type LogSigner,
  leafHash,
  parseTilePath,
  signCheckpoint,
  TILE_WIDTH,
  tileNodes,
  tileWidth,
} from '@keyhaven/directory/log'

export const TEST_APPLICATION = 'demo'
const MS_PER_SECOND = 1_000

/** A log with its key, made of entries that name nobody. */
export interface TestLog {
  readonly origin: string
  readonly verifierKey: string
  readonly entries: readonly Uint8Array[]
  readonly size: number
  /** Appends entries, which differ by `mark` from those of another log. */
  append(count: number, mark?: string): Promise<void>
  /** A log with the same key and the first `size` entries of this one. */
  fork(size: number): Promise<TestLog>
  /** Signed checkpoint of a size; by default the present one, signed now. */
  checkpoint(size?: number, at?: number): Promise<string>
  /** Body of a POST to a witness's `add-checkpoint`. */
  addCheckpoint(oldSize: number, size?: number): Promise<string>
  /** What is below `/log/APPLICATION/`; undefined: nothing. */
  read(path: string): Promise<string | Uint8Array | undefined>
}

/** A log with its leaf 0. */
export async function createTestLog(origin = 'log.example/demo'): Promise<TestLog> {
  const key = await backend.signatures.generateKeyPair('EdDSA')
  const parameters = encodeLeaf({
    kind: 'parameters',
    application: TEST_APPLICATION,
    origin,
    vrfKey: toBase64url(new Uint8Array(32).fill(1)),
    authorityKey: { kty: 'OKP', crv: 'Ed25519', x: toBase64url(new Uint8Array(32).fill(2)) },
  })
  return buildLog(await createLogSigner(backend, origin, key), [parameters])
}

async function buildLog(signer: LogSigner, first: readonly Uint8Array[]): Promise<TestLog> {
  const entries: Uint8Array[] = []
  const hashes = new Map<string, Uint8Array>()
  const heads: AppendedLog[] = [await appendToPeaks(backend, { size: 0, peaks: [] }, [])]
  const nodes: LogNodes = {
    read: async (wanted) => wanted.map(({ level, index }) => hashes.get(`${level}/${index}`)!),
  }
  const add = async (entry: Uint8Array): Promise<void> => {
    const head = await appendToPeaks(backend, heads.at(-1)!, [await leafHash(backend, entry)])
    for (const { level, index, hash } of head.nodes) hashes.set(`${level}/${index}`, hash)
    entries.push(entry)
    heads.push(head)
  }
  for (const entry of first) await add(entry)
  const log: TestLog = {
    origin: signer.checkpoint.verifier.name,
    verifierKey: formatVerifierKey(signer.checkpoint.verifier),
    entries,
    get size() {
      return entries.length
    },
    async append(count, mark = '') {
      for (let at = 0; at < count; at++) await add(await testEntry(`${mark}${entries.length}`))
    },
    fork: (size) => buildLog(signer, entries.slice(0, size)),
    checkpoint: (size = entries.length, at = Math.floor(Date.now() / MS_PER_SECOND)) =>
      signCheckpoint(backend, signer, heads[size]!, at),
    addCheckpoint: async (oldSize, size = entries.length) =>
      formatAddCheckpoint({
        oldSize,
        proof: await consistencyProof(backend, nodes, oldSize, size),
        note: await log.checkpoint(size),
      }),
    async read(path) {
      if (path === 'checkpoint') return log.checkpoint()
      const tile = parseTilePath(path)
      if (tileWidth(tile, entries.length) < tile.width) return undefined
      const start = tile.index * TILE_WIDTH
      if (tile.level === 'entries') return encodeEntryBundle(entries.slice(start, start + tile.width))
      return encodeTile([...(await nodes.read(tileNodes(tile)))])
    },
  }
  return log
}

async function testEntry(text: string): Promise<Uint8Array> {
  const commitment = await backend.sha256(utf8(text))
  return encodeLeaf({ kind: 'entry', label: Buffer.concat([commitment, commitment]), commitment })
}

/** A public listener that hands out a log; `read` may be set anew, to a log that lies. */
export interface LogServer extends AsyncDisposable {
  readonly url: string
  read: TestLog['read']
}

export async function serveTestLog(log: TestLog): Promise<LogServer> {
  const prefix = `/log/${TEST_APPLICATION}/`
  const server = createServer(async (request, response) => {
    const path = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : undefined
    const content = path === undefined ? undefined : await served.read(path)
    response.writeHead(content === undefined ? 404 : 200)
    response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const served: LogServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    read: log.read,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return served
}
