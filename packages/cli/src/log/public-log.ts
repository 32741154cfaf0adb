import { setTimeout as delay } from 'node:timers/promises'
import {
  decodeEntryBundle,
  decodeTile,
  MAX_ENTRY_BUNDLE_BYTES,
  MAX_NOTE_CHARACTERS,
  TILE_WIDTH,
  type TileId,
  tilePath,
} from '@keyhaven/directory/log'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { whyNoAnswer } from '../input/why-no-answer.ts'

const ANSWER_TIMEOUT_MS = 30_000
const HASH_TILE_MAX_BYTES = TILE_WIDTH * 32
/** A checkpoint is ASCII but for the dash of each signature line. */
const CHECKPOINT_MAX_BYTES = 2 * MAX_NOTE_CHARACTERS
/** An audit is many requests: a server that is busy, or limits them, is asked again so often. */
const ATTEMPTS = 5
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
const MS_PER_SECOND = 1_000
const BUSY: ReadonlySet<number> = new Set([429, 503])

/** What a log hands out to everybody (C2SP tlog-tiles). Nothing of it is verified here. */
export interface PublicLog {
  /** @throws CommandError `NOT_FOUND` if there is no such log. */
  checkpoint(): Promise<string>
  /** @returns undefined if the log does not hand them out, or what it hands out is no such bundle. */
  entries(tile: TileId): Promise<readonly Uint8Array[] | undefined>
  /** @returns undefined as {@link PublicLog.entries}. */
  hashes(tile: TileId): Promise<readonly Uint8Array[] | undefined>
}

/**
 * Reads a log at its public address, without a token.
 *
 * @param publicUrl - the server's public address.
 * @param signal - ends what is under way.
 */
export function openPublicLog(
  context: Context,
  publicUrl: string,
  applicationId: string,
  signal: AbortSignal,
): PublicLog {
  const place = new URL(`/log/${encodeURIComponent(applicationId)}/`, publicUrl)

  async function read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const url = new URL(path, place)
    for (let attempt = 1; ; attempt++) {
      const response = await request(context, url, signal)
      if (response.ok) return readBody(response, maxBytes, url)
      await response.body?.cancel()
      if (response.status === 404) return undefined
      if (!BUSY.has(response.status) || attempt === ATTEMPTS) throw refused(url, response.status)
      await delay(waitMs(response, attempt), undefined, { signal })
    }
  }

  /** The partial tile, or the beginning of the full one: a log that has grown may keep only that. */
  async function readTile<T>(
    tile: TileId,
    maxBytes: number,
    decode: (tile: TileId, bytes: Uint8Array) => readonly T[],
  ): Promise<readonly T[] | undefined> {
    const partial = await read(tilePath(tile), maxBytes)
    if (partial !== undefined) return tryDecode(() => decode(tile, partial))
    if (tile.width === TILE_WIDTH) return undefined
    const whole = { ...tile, width: TILE_WIDTH }
    const full = await read(tilePath(whole), maxBytes)
    return full && tryDecode(() => decode(whole, full).slice(0, tile.width))
  }

  return {
    async checkpoint() {
      const bytes = await read('checkpoint', CHECKPOINT_MAX_BYTES)
      if (bytes === undefined) throw noLog(new URL('checkpoint', place))
      return new TextDecoder().decode(bytes)
    },
    entries: (tile) =>
      readTile(tile, MAX_ENTRY_BUNDLE_BYTES, ({ width }, bytes) => decodeEntryBundle(bytes, width)),
    hashes: (tile) => readTile(tile, HASH_TILE_MAX_BYTES, decodeTile),
  }
}

async function request(context: Context, url: URL, signal: AbortSignal): Promise<Response> {
  const init: RequestInit = {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  }
  return context.fetch(url, init).catch((error: Error) => {
    throw noAnswer(url, error, signal)
  })
}

async function readBody(response: Response, maxBytes: number, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > maxBytes) {
      throw new CommandError(
        'WIRE_TOO_LARGE',
        `${url.href} answered more than ${maxBytes} bytes`,
        'Check that the public address is that of a Keyhaven server.',
      )
    }
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function tryDecode<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}

function waitMs(response: Response, attempt: number): number {
  const asked = Number(response.headers.get('retry-after')) * MS_PER_SECOND
  const wait = asked > 0 ? asked : FIRST_WAIT_MS * 2 ** (attempt - 1)
  return Math.min(wait, LONGEST_WAIT_MS)
}

function noAnswer(url: URL, error: Error, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason
  const start = 'Start the server with `keyhaven serve`, or name its public address with --url.'
  const { reason, advice } = whyNoAnswer(error, start)
  const shown = error.name === 'TimeoutError' ? `none within ${ANSWER_TIMEOUT_MS / MS_PER_SECOND} s` : reason
  return new CommandError('GATEWAY_UNAVAILABLE', `no answer from ${url.origin} (${shown})`, advice)
}

function refused(url: URL, status: number): CommandError {
  return new CommandError(
    status === 429 ? 'RATE_LIMITED' : 'GATEWAY_REFUSED',
    `${url.href} answered ${status}`,
    status === 429 ? 'Try again later.' : 'Check the public address; it is not the admin one.',
  )
}

function noLog(url: URL): CommandError {
  return new CommandError(
    'NOT_FOUND',
    `${url.href} answered 404`,
    'Check the public address (--url; it is not the admin one) and the application. An application has a ' +
      'log from the first use of its directory on.',
  )
}
