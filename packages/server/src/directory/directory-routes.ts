import type { OpenAPIHono } from '@hono/zod-openapi'
import { createRoute, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_ENTRY_BYTES } from '@keyhaven/directory'
import type { Accepted, Caller } from '@keyhaven/directory/service'
import { ChainConflict } from '@keyhaven/directory/service'
import type { Context } from 'hono'
import { callerOf } from '../platform/http/call-origin.ts'
import { PROBLEM_MEDIA_TYPE, problem } from '../platform/http/problem.ts'
import type { RateLimiter } from '../platform/http/rate-limit.ts'
import { createRateLimiter } from '../platform/http/rate-limit.ts'
import { body, json, problemAnswers } from '../platform/http/schemas.ts'
import type { UserEnv } from './device-guard.ts'
import type { Directories } from './directories.ts'

/** UTF-16 units: 128 characters of two at most. What a username is, the directory decides. */
const MAX_USERNAME_UNITS = 256
const MAX_STATEMENT_BYTES = 8_192
const MAX_TOKEN_CHARS = 200
const MAX_ID_TOKEN_CHARS = 8_192
const MAX_LOG_SIZE = Number.MAX_SAFE_INTEGER
/** Of names that are not there, by user: so that names are not harvested. */
const UNKNOWN_NAMES = { burst: 20, perMinute: 2, maxCallers: 100_000 }
/** Of consistency proofs, by device. */
const CONSISTENCY = { burst: 120, perMinute: 120, maxCallers: 100_000 }

/** PostgreSQL keeps no NUL in a text. */
export const storableText = (text: string): boolean => !text.includes('\0')
export const usernameSchema = z
  .string()
  .min(1)
  .max(MAX_USERNAME_UNITS)
  .refine(storableText, 'a username has no control characters')
const jwsSchema = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'a compact JWS')
const entrySchema = jwsSchema(MAX_ENTRY_BYTES)

const acceptedSchema = z
  .object({
    acceptance: z.string().openapi({ description: 'Compact JWS by the authority' }),
    head: z.string().openapi({ description: 'Hash of the entry, base64url' }),
    index: z.int().openapi({ description: 'Position of its leaf in the log' }),
    sequence: z.int(),
  })
  .openapi('AcceptedEntry')

const provenEntrySchema = z
  .object({
    entry: z.string(),
    acceptance: z.string(),
    index: z.int(),
    opening: z.string(),
    proof: z.array(z.string()),
  })
  .openapi('ProvenEntry')

const lookUpSchema = z
  .object({
    checkpoint: z.string().openapi({ description: 'Signed note' }),
    parametersProof: z.object({ leaf: z.string(), proof: z.array(z.string()) }).optional(),
    consistency: z.array(z.string()).optional(),
    label: z.string().openapi({ description: 'VRF proof of the username’s label' }),
    entries: z
      .array(provenEntrySchema)
      .openapi({ description: 'After the sequence that is known: all of them, or the first 500' }),
    encryptionKeys: z.record(z.string(), z.string()).openapi({ description: 'Statement by device' }),
    sequence: z.int().openapi({ description: 'Of the newest entry: ask on until it is reached' }),
  })
  .openapi('LookUp')

const tags = ['Directory']
const accepted = { description: 'Accepted, and in the log', content: json(acceptedSchema) }

export const directoryRoutes = {
  register: createRoute({
    method: 'post',
    path: '/v1/directory/devices',
    tags,
    summary: 'Record a device: the first one with a sign-up proof, another one, or a renewal',
    request: {
      body: body(
        z.strictObject({
          entry: entrySchema,
          signUp: z
            .union([
              z.strictObject({ token: z.string().min(1).max(MAX_TOKEN_CHARS) }),
              z.strictObject({ idToken: z.string().min(1).max(MAX_ID_TOKEN_CHARS) }),
            ])
            .optional(),
        }),
      ),
    },
    responses: { 201: accepted, ...problemAnswers(400, 401, 403, 404, 409, 429, 503) },
  }),
  append: createRoute({
    method: 'post',
    path: '/v1/directory/entries',
    tags,
    summary: 'Revoke, object, or set the recovery key',
    request: { body: body(z.strictObject({ entry: entrySchema })) },
    responses: { 201: accepted, ...problemAnswers(400, 401, 403, 404, 409, 429, 503) },
  }),
  publishEncryptionKey: createRoute({
    method: 'put',
    path: '/v1/directory/encryption-keys',
    tags,
    summary: 'Publish the device’s next encryption key',
    request: { body: body(z.strictObject({ statement: jwsSchema(MAX_STATEMENT_BYTES) })) },
    responses: { 204: { description: 'Published' }, ...problemAnswers(400, 401, 409, 429, 503) },
  }),
  lookUp: createRoute({
    method: 'post',
    path: '/v1/directory/look-up',
    tags,
    summary: 'A user’s entries, at most 500 of them, with all that proves them',
    request: {
      body: body(
        z.strictObject({
          username: usernameSchema,
          after: z.int().min(-1).optional().openapi({ description: 'Sequence that is known already' }),
          logSize: z
            .int()
            .min(0)
            .max(MAX_LOG_SIZE)
            .optional()
            .openapi({ description: 'Of the checkpoint remembered' }),
        }),
      ),
    },
    responses: {
      200: { description: 'What is recorded', content: json(lookUpSchema) },
      ...problemAnswers(400, 401, 404, 409, 429, 503),
    },
  }),
  consistency: createRoute({
    method: 'post',
    path: '/v1/directory/log/consistency',
    tags,
    summary: 'Prove that the log of one size begins the log of another',
    request: {
      body: body(
        z.strictObject({ from: z.int().min(0).max(MAX_LOG_SIZE), to: z.int().min(0).max(MAX_LOG_SIZE) }),
      ),
    },
    responses: {
      200: { description: 'Hashes, base64url', content: json(z.object({ proof: z.array(z.string()) })) },
      ...problemAnswers(400, 401, 404, 429, 503),
    },
  }),
}

/** What a device need not sign: a sign-up proof or the recovery key stands for it. */
export function isUnsignedCall(method: string, path: string): boolean {
  // Public anyway: what an app checks before it hands over its sign-up token.
  if (method === 'GET') return path === '/v1/directory/log/checkpoint'
  return method === 'POST' && (path === '/v1/directory/devices' || path === '/v1/directory/entries')
}

/** What an expired device may still do: renew itself. */
export function isRenewal(method: string, path: string): boolean {
  return method === 'POST' && path === '/v1/directory/devices'
}

/** One for all calls that tell whether a name is there. By application and user. */
export function createUnknownNames(clock: () => number): RateLimiter {
  return createRateLimiter(UNKNOWN_NAMES, clock)
}

export function addDirectoryRoutes(
  app: OpenAPIHono<UserEnv>,
  directories: Directories,
  unknownNames: RateLimiter,
  clock: () => number,
): void {
  const consistencies = createRateLimiter(CONSISTENCY, clock)

  app.openapi(directoryRoutes.register, async (c) => {
    const { applicationId, caller } = c.var
    const { entry, signUp } = c.req.valid('json')
    const { service } = await (signUp === undefined
      ? directories.open(applicationId)
      : directories.ensure(applicationId))
    const input = signUp === undefined ? { entry } : { entry, signUp }
    return answer(c, () => service.register(input, caller, callerOf(c.env.origin)))
  })

  app.openapi(directoryRoutes.append, async (c) => {
    const { service } = await directories.open(c.var.applicationId)
    const input = c.req.valid('json')
    return answer(c, () => service.append(input, c.var.caller, callerOf(c.env.origin)))
  })

  app.openapi(directoryRoutes.publishEncryptionKey, async (c) => {
    const { service } = await directories.open(c.var.applicationId)
    await service.publishEncryptionKey(c.req.valid('json'), requireCaller(c))
    return c.body(null, 204)
  })

  app.openapi(directoryRoutes.lookUp, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    const { username, after, logSize } = c.req.valid('json')
    const user = `${applicationId} ${caller.username}`
    // Always: oneself, so that another of one's devices cannot keep this one from revoking it.
    if (username !== caller.username && unknownNames.wait(user) > 0)
      throw new KeyhavenError('RATE_LIMITED', 'too many names that are not there')
    const { service } = await directories.open(applicationId)
    const query = {
      username,
      ...(after === undefined ? {} : { after }),
      ...(logSize === undefined ? {} : { logSize }),
    }
    try {
      return c.json(mutable(await service.lookUp(query, caller)), 200)
    } catch (error) {
      if (error instanceof KeyhavenError && error.code === 'NOT_FOUND') unknownNames.take(user)
      throw error
    }
  })

  app.openapi(directoryRoutes.consistency, async (c) => {
    const { applicationId } = c.var
    const caller = requireCaller(c)
    if (consistencies.take(`${applicationId} ${caller.device}`) > 0) {
      throw new KeyhavenError('RATE_LIMITED', 'too many proofs')
    }
    const { from, to } = c.req.valid('json')
    const { size } = await directories.log.head(applicationId)
    if (from > to || to > size)
      throw new KeyhavenError('INPUT_INVALID', 'from and to: the log has no such sizes')
    const proof = await directories.log.consistencyProof(applicationId, from, to)
    return c.json({ proof: proof.map((hash) => Buffer.from(hash).toString('base64url')) }, 200)
  })
}

export function requireCaller(c: Context<UserEnv>): Caller {
  const { caller } = c.var
  if (caller === undefined)
    throw new KeyhavenError('UNAUTHENTICATED', 'the request is not signed by a known device')
  return caller
}

/** A conflict says where the chain is now, so that the caller can sign on top of it. */
async function answer(c: Context<UserEnv>, accept: () => Promise<Accepted>) {
  try {
    const { acceptance, head, index, sequence } = await accept()
    return c.json({ acceptance, head, index, sequence }, 201)
  } catch (error) {
    if (!(error instanceof ChainConflict)) throw error
    const { sequence, head, chain, issued } = error
    const document = {
      ...problem('CONFLICT', { detail: error.message }),
      sequence,
      chain,
      ...(head === null ? {} : { head }),
      ...(issued === undefined ? {} : { issued }),
    }
    const headers = { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' }
    // The router's types know only the answers that succeed.
    return new Response(JSON.stringify(document), { status: document.status, headers }) as never
  }
}

/** The same value: the router's types know no readonly lists. */
function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>
}

type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Mutable<T[Name]> }
    : T
