import { createHash } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { isBodyHeld, LightResponse } from '@keyhaven/channel/gateway'
import { KeyhavenError } from '@keyhaven/crypto'
import type { Context } from 'hono'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { problemAnswers } from '../platform/http/schemas.ts'

/** A longer body is counted and hashed, not repeated. */
const MAX_REPEATED_BYTES = 64 * 1_024
const MAX_STREAM_PIECES = 10_000
const MAX_PIECE_BYTES = 1_048_576
const DEFAULT_PIECES = 10
const DEFAULT_PIECE_BYTES = 65_536
const MAX_DELAY_MS = 10_000

const echoSchema = z
  .object({
    method: z.string(),
    path: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().nullable().openapi({ description: 'Text of up to 64 KiB, else null' }),
    bodyBase64: z.string().optional().openapi({ description: 'A short body that is not UTF-8' }),
    bytes: z.int(),
    sha256: z.string().openapi({ description: 'Hex' }),
    sealed: z.boolean(),
    application: z.string().nullable().openapi({ description: 'Whose key opened the request' }),
    keyId: z.int().nullable(),
  })
  .openapi('Echo')

const JSON_HEADERS = { 'content-type': 'application/json' }
const tags = ['Echo']

export const echoRoutes = {
  echo: createRoute({
    method: 'post',
    path: '/v1/echo',
    tags,
    summary: 'Answers with what it received; any method',
    responses: {
      200: { description: 'What was received', content: { 'application/json': { schema: echoSchema } } },
      ...problemAnswers(403),
    },
  }),
  raw: createRoute({
    method: 'post',
    path: '/v1/echo/raw',
    tags,
    summary: 'Streams the body back as it comes',
    responses: { 200: { description: 'The body' }, ...problemAnswers(403) },
  }),
  stream: createRoute({
    method: 'get',
    path: '/v1/echo/stream',
    tags,
    summary: 'Streams an answer of many pieces',
    request: {
      query: z.object({
        pieces: z.coerce.number().int().min(1).max(MAX_STREAM_PIECES).default(DEFAULT_PIECES),
        bytes: z.coerce.number().int().min(1).max(MAX_PIECE_BYTES).default(DEFAULT_PIECE_BYTES),
        delayMs: z.coerce.number().int().min(0).max(MAX_DELAY_MS).default(0),
      }),
    },
    responses: { 200: { description: 'pieces × bytes letters' }, ...problemAnswers(400, 403) },
  }),
}

/** For first steps, tests and the benchmark. */
export function addEchoRoutes(app: OpenAPIHono<AppEnv>): void {
  app.all('/v1/echo', echo)

  app.openapi(
    echoRoutes.raw,
    (c) =>
      new Response(c.req.raw.body, {
        headers: { 'content-type': c.req.header('content-type') ?? 'application/octet-stream' },
      }),
  )

  app.openapi(echoRoutes.stream, (c) => {
    const { pieces, bytes, delayMs } = c.req.valid('query')
    return new Response(lettersStream(pieces, bytes, delayMs), {
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    })
  })
}

async function echo(c: Context<AppEnv>): Promise<Response> {
  const { origin } = c.env
  const { method, url, headers } = c.req.raw
  const body = await readBody(c.req.raw)
  const answer = {
    method,
    path: url.slice(url.indexOf('/', url.indexOf('://') + '://'.length)),
    headers: Object.fromEntries(headers),
    ...body,
    sealed: origin.sealed,
    application: origin.sealed ? origin.applicationId : null,
    keyId: origin.sealed ? origin.keyId : null,
  }
  // Not c.json(): this one the gateway reads without a stream.
  return new LightResponse(JSON.stringify(answer), { headers: JSON_HEADERS }) as unknown as Response
}

/** Hashes what comes and keeps only its beginning, so an upload of any size costs no memory. */
async function readBody(
  request: Request,
): Promise<{ body: string | null; bodyBase64?: string; bytes: number; sha256: string }> {
  if (isBodyHeld(request)) {
    const whole = await request.bytes()
    const sha256 = createHash('sha256').update(whole).digest('hex')
    return { ...textOf(whole), bytes: whole.length, sha256 }
  }
  const hash = createHash('sha256')
  const kept: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of request.body ?? []) {
      bytes += piece.length
      hash.update(piece)
      if (bytes <= MAX_REPEATED_BYTES) kept.push(piece)
      else kept.length = 0
    }
  } catch (cause) {
    throw new KeyhavenError('WIRE_MALFORMED', 'the body was cut', { cause })
  }
  const sha256 = hash.digest('hex')
  if (bytes > MAX_REPEATED_BYTES) return { body: null, bytes, sha256 }
  return { ...textOf(Buffer.concat(kept)), bytes, sha256 }
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A body as text if it is that, otherwise as base64; neither if it is long. */
function textOf(whole: Uint8Array): { body: string | null; bodyBase64?: string } {
  if (whole.length > MAX_REPEATED_BYTES) return { body: null }
  try {
    return { body: utf8Decoder.decode(whole) }
  } catch {
    return { body: null, bodyBase64: Buffer.from(whole).toString('base64') }
  }
}

function lettersStream(pieces: number, bytes: number, delayMs: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(bytes).fill('k'.charCodeAt(0))
  let sent = 0
  return new ReadableStream({
    async pull(controller) {
      if (delayMs > 0 && sent > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      controller.enqueue(piece.slice())
      sent += 1
      if (sent === pieces) controller.close()
    },
  })
}
