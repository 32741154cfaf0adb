import {
  fromBase64url,
  fromUtf8,
  KeyhavenError,
  type SigningKey,
  toBase64url,
  utf8,
  type VerifyKey,
} from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { type VrfKeyPair, vrfKeyPair, vrfOutput, vrfProve } from '@keyhaven/crypto/vrf'
import { type SignedFetch, verifyDeviceRequest } from '@keyhaven/directory'
import {
  addCosignatures,
  appendToPeaks,
  consistencyProof,
  cosign,
  createLogSigner,
  createNoteSigner,
  encodeEntryBundle,
  encodeLeaf,
  entryCommitment,
  formatVerifierKey,
  inclusionProof,
  type LogNodes,
  type LogSigner,
  labelInput,
  leafHash,
  type NoteSigner,
  parseNote,
  parseTilePath,
  rootAtSize,
  signCheckpoint,
} from '@keyhaven/directory/log'
import { signAcceptance } from '../../src/chain/acceptance.ts'
import { signerOf } from '../../src/chain/chain-signer.ts'
import { entryHash, signEntry } from '../../src/chain/entry.ts'
import { emptyState, extendChain } from '../../src/chain/fold-chain.ts'
import type { UserState } from '../../src/chain/user-state.ts'

export const APPLICATION = 'demo'
export const ORIGIN = 'log.test/demo'
const AUTHORITY = 'server.test'
const TILE_WIDTH = 256

interface AcceptedRow {
  readonly entry: string
  readonly acceptance: string
  readonly index: number
  readonly opening: Uint8Array
}

interface UserRow {
  state: UserState
  readonly rows: AcceptedRow[]
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads and alters answers of every form.
export type Reply = Record<string, any>

export interface AuthorityKeys {
  readonly authority: SigningKey
  readonly log: LogSigner
  readonly vrf: VrfKeyPair
  readonly witnesses: readonly NoteSigner[]
}

/**
 * A directory in one process, of few lines: honest unless a test makes it lie. Requests are verified as
 * by a server.
 */
export class TestAuthority {
  readonly keys: AuthorityKeys
  readonly leaves: Uint8Array[] = []
  readonly users = new Map<string, UserRow>()
  readonly statements = new Map<string, Map<string, string>>()
  readonly requests: string[] = []
  /** Seconds since the epoch. */
  now = 1_795_230_000
  /** Last say over an answer. */
  alter: (path: string, reply: Reply, body: Reply) => Reply | Promise<Reply> = (_, reply) => reply
  /** Runs before an entry is looked at: another device may be faster. */
  before: (path: string) => Promise<void> = async () => {}
  /** Throws after a request has run: its answer is lost. */
  loseAnswers = false
  /** How many of its witnesses cosign. */
  cosigning = 2
  readonly #nodes = new Map<string, Uint8Array>()
  readonly #nonces = new Set<string>()
  #peaks: readonly Uint8Array[] = []

  private constructor(keys: AuthorityKeys) {
    this.keys = keys
  }

  static async create(): Promise<TestAuthority> {
    const { signatures } = nodeBackend
    const witness = async (name: string) =>
      createNoteSigner(nodeBackend, name, 'cosignature', await signatures.generateKeyPair('EdDSA'))
    const authority = new TestAuthority({
      authority: await signatures.generateKeyPair('EdDSA'),
      log: await createLogSigner(nodeBackend, ORIGIN, await signatures.generateKeyPair('EdDSA')),
      vrf: vrfKeyPair(nodeBackend.randomBytes(32)),
      witnesses: [await witness('witness.test/a'), await witness('witness.test/b')],
    })
    await authority.append(authority.parameters())
    return authority
  }

  /** Another history under the same keys, equal so far. */
  async fork(): Promise<TestAuthority> {
    const other = new TestAuthority(this.keys)
    other.now = this.now
    for (const leaf of this.leaves) await other.append(leaf)
    for (const [name, user] of this.users) other.users.set(name, { state: user.state, rows: [...user.rows] })
    return other
  }

  get trust() {
    return { log: formatVerifierKey(this.keys.log.checkpoint.verifier) }
  }

  witnessed(threshold: number) {
    const keys = this.keys.witnesses.map(({ verifier }) => formatVerifierKey(verifier))
    return { ...this.trust, witnesses: { keys, threshold } }
  }

  parameters(
    changes: { application?: string; origin?: string; vrfKey?: string; authorityKey?: VerifyKey } = {},
  ) {
    const { x } = (changes.authorityKey ?? this.keys.authority.publicKey).jwk
    return encodeLeaf({
      kind: 'parameters',
      application: APPLICATION,
      origin: ORIGIN,
      vrfKey: toBase64url(this.keys.vrf.publicKey),
      ...changes,
      authorityKey: { kty: 'OKP', crv: 'Ed25519', x: x as string },
    })
  }

  async append(leaf: Uint8Array): Promise<number> {
    const head = { size: this.leaves.length, peaks: this.#peaks }
    const { nodes, peaks } = await appendToPeaks(nodeBackend, head, [await leafHash(nodeBackend, leaf)])
    for (const { level, index, hash } of nodes) this.#nodes.set(`${level}/${index}`, hash)
    this.#peaks = peaks
    return this.leaves.push(leaf) - 1
  }

  get #reader(): LogNodes {
    return { read: async (nodes) => nodes.map(({ level, index }) => this.#nodes.get(`${level}/${index}`)!) }
  }

  async checkpoint(size = this.leaves.length, at = this.now): Promise<string> {
    const root = await rootAtSize(nodeBackend, this.#reader, size)
    let note = await signCheckpoint(nodeBackend, this.keys.log, { size, root }, at)
    for (const witness of this.keys.witnesses.slice(0, this.cosigning)) {
      const line = await cosign(nodeBackend, witness, parseNote(note).text, at)
      note = await addCosignatures(nodeBackend, note, line, [witness.verifier])
    }
    return note
  }

  inclusion(index: number, size = this.leaves.length): Promise<Uint8Array[]> {
    return inclusionProof(nodeBackend, this.#reader, index, size)
  }

  consistency(from: number, to: number): Promise<Uint8Array[]> {
    return consistencyProof(nodeBackend, this.#reader, from, to)
  }

  /** Puts an entry into the log and the chain, judged by the chain's rules alone. */
  async accept(username: string, entry: string): Promise<AcceptedRow> {
    const expected = { application: APPLICATION, username, now: this.now }
    const user = this.users.get(username) ?? { state: emptyState(expected), rows: [] }
    const authority = this.keys.authority.publicKey
    user.state = await extendChain(nodeBackend, user.state, [entry], { authority, now: this.now })
    const row = await this.seal(username, entry)
    user.rows.push(row)
    this.users.set(username, user)
    return row
  }

  /** A leaf and an acceptance for anything at all. */
  async seal(username: string, entry: string): Promise<AcceptedRow> {
    const opening = nodeBackend.randomBytes(32)
    const label = vrfOutput(this.prove(username))!
    const commitment = await entryCommitment(nodeBackend, opening, utf8(entry))
    const index = await this.append(encodeLeaf({ kind: 'entry', label, commitment }))
    const acceptance = await signAcceptance(nodeBackend, this.keys.authority, {
      application: APPLICATION,
      username,
      entry: await entryHash(nodeBackend, entry),
      at: this.now,
    })
    return { entry, acceptance, index, opening }
  }

  prove(username: string): Uint8Array {
    return vrfProve(this.keys.vrf.secretKey, labelInput(APPLICATION, username))
  }

  /** The operator resets a user. */
  async reset(username: string): Promise<void> {
    const { state } = this.users.get(username)!
    const { authority } = this.keys
    const entry = await signEntry(nodeBackend, signerOf(nodeBackend, authority), {
      application: APPLICATION,
      username,
      chain: state.chain + 1,
      sequence: state.sequence + 1,
      previous: state.head,
      issued: this.now,
      kind: 'reset',
      reason: 'lost all devices',
    })
    await this.accept(username, entry)
  }

  readonly fetch: SignedFetch = async (input, init, sign) => {
    const body = utf8((init?.body as string | undefined) ?? '')
    const method = init?.method ?? 'GET'
    const channelExport = nodeBackend.randomBytes(32)
    const parts = { method, authority: AUTHORITY, path: input, query: '', body, export: () => channelExport }
    const headers = new Headers((await sign(parts)) as [string, string][])
    this.requests.push(`${method} ${input}`)
    try {
      const caller = [...headers].length > 0 ? await this.#caller(parts, headers, channelExport) : undefined
      const given: Reply = body.length > 0 ? JSON.parse(fromUtf8(body)) : {}
      const reply = await this.#answer(input, given, caller)
      if (this.loseAnswers && input.match(/devices|entries/)) throw new TypeError('the connection broke')
      if (reply instanceof Response) return reply
      return Response.json(await this.alter(input, reply, given))
    } catch (error) {
      if (!(error instanceof KeyhavenError)) throw error
      const { code, members } = error as KeyhavenError & { members?: object }
      const status = code === 'CONFLICT' ? 409 : code === 'NOT_FOUND' ? 404 : 400
      return Response.json({ code, status, ...members }, { status })
    }
  }

  async #caller(
    parts: { method: string; authority: string; path: string; query: string; body: Uint8Array },
    headers: Headers,
    channelExport: Uint8Array,
  ): Promise<string> {
    const { username } = await verifyDeviceRequest({
      ...parts,
      backend: nodeBackend,
      headers,
      application: APPLICATION,
      channelExport,
      now: this.now,
      findDevice: async (id) => {
        for (const [name, { state }] of this.users) {
          const found = [...state.devices, ...state.former].find(({ device }) => device === id)
          if (found === undefined) continue
          const requestKey = await nodeBackend.signatures.importVerifyKey('EdDSA', found.record.requestKey)
          const revoked = found.chain !== state.chain || found.status === 'revoked'
          return { requestKey, revoked, username: name }
        }
        return undefined
      },
      seenNonce: ({ device, nonce }) => {
        const seen = this.#nonces.has(device + nonce)
        this.#nonces.add(device + nonce)
        return seen
      },
    })
    return username
  }

  async #answer(path: string, body: Reply, caller: string | undefined): Promise<Reply | Response> {
    await this.before(path)
    if (path === '/v1/directory/devices' || path === '/v1/directory/entries') return this.#take(body)
    if (path === '/v1/directory/log/checkpoint') {
      const { note } = await this.alter(path, { note: await this.checkpoint() }, body)
      return new Response(note)
    }
    if (caller === undefined) throw new KeyhavenError('UNAUTHENTICATED', 'not signed')
    if (path === '/v1/directory/look-up') return this.#lookUp(body)
    if (path === '/v1/directory/log/consistency') {
      if (body.to > this.leaves.length) throw new KeyhavenError('INPUT_INVALID', 'no such size')
      return { proof: await this.#consistency(body.from, body.to) }
    }
    if (path === '/v1/directory/encryption-keys') {
      const payload = JSON.parse(fromUtf8(fromBase64url(body.statement.split('.')[1])))
      const statements = this.statements.get(caller) ?? new Map()
      this.statements.set(caller, statements.set(payload.device, body.statement))
      return new Response(null, { status: 204 })
    }
    const { index, width } = parseTilePath(path.replace('/v1/directory/log/', ''))
    const first = index * TILE_WIDTH
    const entries = this.leaves.slice(first, first + width)
    const altered = await this.alter(path, { entries }, body)
    return new Response(encodeEntryBundle(altered.entries))
  }

  async #take({ entry }: Reply): Promise<Reply> {
    const payload = JSON.parse(fromUtf8(fromBase64url(entry.split('.')[1])))
    const state = this.users.get(payload.username)?.state
    if (state !== undefined && payload.sequence !== state.sequence + 1) {
      const { sequence, head, chain } = state
      const conflict = new KeyhavenError('CONFLICT', 'the sequence is taken')
      throw Object.assign(conflict, { members: { sequence, head, chain } })
    }
    const { acceptance, index } = await this.accept(payload.username, entry)
    return { acceptance, head: await entryHash(nodeBackend, entry), index }
  }

  async #lookUp({ username, after = -1, logSize }: Reply): Promise<Reply> {
    const user = this.users.get(username)
    if (user === undefined) throw new KeyhavenError('NOT_FOUND', 'no such user')
    const size = this.leaves.length
    const entries: Reply[] = []
    for (const { entry, acceptance, index, opening } of user.rows.slice(after + 1)) {
      const proof = (await this.inclusion(index)).map((hash) => toBase64url(hash))
      entries.push({ entry, acceptance, index, opening: toBase64url(opening), proof })
    }
    const first = (await this.inclusion(0)).map((hash) => toBase64url(hash))
    return {
      checkpoint: await this.checkpoint(),
      ...(logSize === undefined
        ? { parametersProof: { leaf: toBase64url(this.leaves[0]!), proof: first } }
        : { consistency: logSize <= size ? await this.#consistency(logSize, size) : [] }),
      label: toBase64url(this.prove(username)),
      entries,
      encryptionKeys: Object.fromEntries(this.statements.get(username) ?? []),
      sequence: user.state.sequence,
    }
  }

  async #consistency(from: number, to: number): Promise<string[]> {
    return (await this.consistency(from, to)).map((hash) => toBase64url(hash))
  }
}
