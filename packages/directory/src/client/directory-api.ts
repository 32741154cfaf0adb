import { type CryptoBackend, type ErrorCode, fromUtf8, KeyhavenError } from '@keyhaven/crypto'
import type { TileId } from '../log/index.ts'
import {
  decodeEntryBundle,
  HASH_BYTES,
  MAX_ENTRY_BUNDLE_BYTES,
  MAX_NOTE_CHARACTERS,
  MAX_PROOF_HASHES,
  tilePath,
} from '../log/index.ts'
import { signDeviceRequest } from '../request-signature/sign-device-request.ts'
import type { DirectoryIdentity, SignedFetch, SignUp } from './directory-client.ts'
import { type LookUpReply, readLookUp } from './look-up-reply.ts'
import { readAnswer } from './read-answer.ts'
import { JsonMembers } from './read-json.ts'
import { serverRefusal } from './server-refusal.ts'

/** Of an answer: 16 MiB. A look-up's, of `MAX_LOOK_UP_ENTRIES` of the largest size, has 11. */
const ANSWER_MAX_BYTES = 16_777_216
const PROBLEM_MAX_BYTES = 16_384
const STATUS_NOT_FOUND = 404
const STATUS_CONFLICT = 409
const HASH_CHARACTERS = 43

/** What the server said when a sequence was taken. */
export class ChainMoved extends KeyhavenError {
  readonly sequence: number
  readonly head: string | null
  /** Undefined if the server does not say. */
  readonly chain: number | undefined
  /** When the newest entry was issued, seconds since the epoch. Undefined if the server does not say. */
  readonly issued: number | undefined

  constructor({ sequence, head, chain, issued }: Pick<ChainMoved, 'sequence' | 'head' | 'chain' | 'issued'>) {
    super('CONFLICT', 'another entry was accepted first')
    this.sequence = sequence
    this.head = head
    this.chain = chain
    this.issued = issued
  }
}

export interface AcceptedReply {
  readonly acceptance: string
  readonly head: string
  readonly index: number
}

export interface DirectoryApiOptions {
  readonly fetch: SignedFetch
  readonly application: string
  readonly backend: CryptoBackend
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Who signs requests now. */
  readonly identity: () => DirectoryIdentity | undefined
}

/** Codes that the server may give to a caller; any other one says only that it failed. */
const SERVER_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'ACCESS_DENIED',
  'CHAIN_BROKEN',
  'CLOCK_SKEW',
  'CONFLICT',
  'DEVICE_REVOKED',
  'DUPLICATE',
  'INPUT_INVALID',
  'KEY_EXPIRED',
  'KEY_NOT_YET_VALID',
  'NOT_FOUND',
  'RATE_LIMITED',
  'RECORD_INVALID',
  'SIGNATURE_INVALID',
  'STORE_UNAVAILABLE',
  'SUITE_REFUSED',
  'UNAUTHENTICATED',
  'WIRE_MALFORMED',
  'WIRE_TOO_LARGE',
])

/** The directory's HTTP calls. Nothing that they give is verified, but all of it has the right form. */
export class DirectoryApi {
  readonly #options: DirectoryApiOptions

  constructor(options: DirectoryApiOptions) {
    this.#options = options
  }

  async lookUp(query: { username: string; after?: number; logSize?: number }): Promise<LookUpReply> {
    return readLookUp(await this.#json('POST', '/v1/directory/look-up', query))
  }

  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    const reply = await this.#json('POST', '/v1/directory/log/consistency', { from, to })
    return reply.byteList('proof', HASH_BYTES, MAX_PROOF_HASHES + 1)
  }

  /** Not signed: it is public, and asked for before there is a device. */
  async checkpoint(): Promise<string> {
    const bytes = await this.#call(
      'GET',
      '/v1/directory/log/checkpoint',
      undefined,
      MAX_NOTE_CHARACTERS,
      false,
    )
    return fromUtf8(bytes)
  }

  /** @param tile - of entries. */
  async entries(tile: TileId): Promise<Uint8Array[]> {
    const path = `/v1/directory/log/${tilePath(tile)}`
    return decodeEntryBundle(await this.#call('GET', path, undefined, MAX_ENTRY_BUNDLE_BYTES), tile.width)
  }

  /** @param signed - false for the first entry of a chain. */
  postDevice(entry: string, signUp: SignUp | undefined, signed: boolean): Promise<AcceptedReply> {
    return this.#accepted('/v1/directory/devices', signUp ? { entry, signUp } : { entry }, signed)
  }

  /** @param signed - false for what the recovery key signs. */
  postEntry(entry: string, signed: boolean): Promise<AcceptedReply> {
    return this.#accepted('/v1/directory/entries', { entry }, signed)
  }

  async putEncryptionKey(statement: string): Promise<void> {
    await this.#call('PUT', '/v1/directory/encryption-keys', { statement }, 0)
  }

  async #accepted(path: string, body: object, signed: boolean): Promise<AcceptedReply> {
    const reply = await this.#json('POST', path, body, signed)
    return {
      acceptance: reply.text('acceptance', ANSWER_MAX_BYTES),
      head: reply.text('head', HASH_CHARACTERS),
      index: reply.integer('index', 1),
    }
  }

  async #json(method: string, path: string, body: object, signed = true): Promise<JsonMembers> {
    return parsed(await this.#call(method, path, body, ANSWER_MAX_BYTES, signed))
  }

  async #call(
    method: string,
    path: string,
    body: object | undefined,
    maxBytes: number,
    signed = true,
  ): Promise<Uint8Array> {
    const { fetch, application, backend, clock, identity } = this.#options
    const init: RequestInit = {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    }
    const device = signed ? identity() : undefined
    if (signed && device === undefined) {
      throw new KeyhavenError('UNAUTHENTICATED', 'no device: register one, or name the one that asks')
    }
    const response = await fetch(path, init, (request) =>
      device === undefined
        ? []
        : signDeviceRequest(
            { backend, application, device: device.device, key: device.requestKey, clock },
            request,
          ),
    )
    if (!response.ok) throw await readProblem(response)
    return readAnswer(response, maxBytes)
  }
}

function parsed(bytes: Uint8Array): JsonMembers {
  try {
    return new JsonMembers(JSON.parse(fromUtf8(bytes)))
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'the directory gave an answer that cannot be read', { cause })
  }
}

async function readProblem(response: Response): Promise<KeyhavenError> {
  const { status } = response
  try {
    const problem = parsed(await readAnswer(response, PROBLEM_MAX_BYTES))
    const code = problem.text('code', 64)
    if (status === STATUS_CONFLICT && code === 'CONFLICT' && problem.has('sequence')) {
      const head = problem.has('head') ? problem.text('head', HASH_CHARACTERS) : null
      const chain = problem.has('chain') ? problem.integer('chain', -1) : undefined
      const issued = problem.has('issued') ? problem.integer('issued') : undefined
      return new ChainMoved({ sequence: problem.integer('sequence', -1), head, chain, issued })
    }
    if (SERVER_CODES.has(code)) return serverRefusal('the directory', code as ErrorCode)
  } catch {
    // A problem that cannot be read says as much as its status.
  }
  if (status === STATUS_NOT_FOUND) return serverRefusal('the directory', 'NOT_FOUND')
  return new KeyhavenError('GATEWAY_REFUSED', `the directory answered with status ${status}`)
}
