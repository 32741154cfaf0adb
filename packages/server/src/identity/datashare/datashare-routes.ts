import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { mosipTime, READ_PROOF_HEADER, SHARE_SIGNATURE_HEADER } from '@keyhaven/identity'
import type { CreatedShare, Datashare, ReadableShare } from '@keyhaven/identity/service'
import { MAX_SHARE_BYTES } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import { parseByteRange } from '../../files/byte-range.ts'
import { type AppEnv, callerOf } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { problemOfError } from '../../platform/http/problem.ts'
import { createRateLimiter } from '../../platform/http/rate-limit.ts'
import type { ObjectStore } from '../../platform/objects/object-store.ts'
import type { IdentityCallers } from '../identity-callers.ts'
import { mosipJson, mosipRefusal } from '../mosip-answer.ts'

export const DATASHARE_PREFIX = '/v1/datashare'
/** Boundaries and names of the multipart form beside the data. */
const FORM_BYTES = 65_536
const STATUS_OK = 200
const STATUS_PARTIAL = 206
const STATUS_RANGE_NOT_SATISFIABLE = 416
/** Refused reads of one caller: to look for addresses is slow. */
const REFUSED_READS = { burst: 60, perMinute: 60 }
/** MOSIP's literal, which is the name of a setting. */
const ANSWER_ID = 'mosip.data.share.service.id'
const ANSWER_VERSION = '1.0'
const NO_SHARE = 'DAT-SER-006'
const CODES = {
  codes: {
    INPUT_INVALID: 'DAT-SER-003',
    NOT_FOUND: NO_SHARE,
    SHARE_SPENT: NO_SHARE,
    POLICY_REFUSED: 'DAT-SER-007',
    CERTIFICATE_INVALID: 'DAT-SER-001',
    WIRE_TOO_LARGE: 'DAT-SER-003',
    ACCESS_DENIED: 'KER-ATH-403',
  },
  otherwise: 'DAT-SER-002',
} as const

export interface DatashareRouteParts {
  readonly datashare: Datashare
  readonly callers: IdentityCallers
  readonly objects: Pick<ObjectStore, 'read'>
  /** Where partners reach the identity listener: what a proof names. */
  readonly url: () => string
  readonly clock: () => number
}

/** MOSIP's datashare. A read with a partner's proof is answered with problems (RFC 9457) and their status. */
export function addDatashareRoutes(app: OpenAPIHono<AppEnv>, parts: DatashareRouteParts): void {
  const { datashare, callers, clock } = parts
  const refusedReads = createRateLimiter(REFUSED_READS, clock)

  app.post(
    `${DATASHARE_PREFIX}/create/:policyId/:subscriberId`,
    limitBody(MAX_SHARE_BYTES + FORM_BYTES),
    async (c) => {
      try {
        const caller = await callers.identify(c)
        if (!caller.serves) throw new KeyhavenError('ACCESS_DENIED', 'only services share data')
        const form = await c.req.parseBody().catch(() => ({}) as Record<string, unknown>)
        const { file } = form
        if (!(file instanceof File))
          throw new KeyhavenError('INPUT_INVALID', 'file: one file in a multipart form')
        const made = await datashare.create({
          ...{
            policyId: c.req.param('policyId'),
            subscriberId: c.req.param('subscriberId'),
            actor: caller.actor,
          },
          ...{ data: new Uint8Array(await file.arrayBuffer()), filename: file.name || 'data' },
        })
        return mosipJson(shareAnswer(made, clock()))
      } catch (error) {
        return refuse(error, clock())
      }
    },
  )

  app.get(`${DATASHARE_PREFIX}/get/:policyId/:subscriberId/:key`, async (c) => {
    const { policyId, subscriberId, key } = c.req.param()
    const header = c.req.header(READ_PROOF_HEADER)
    const range = c.req.header('range')
    try {
      // By the proof the datashare itself finds out who reads.
      const caller = header === undefined ? await readerOf(c) : { actor: `proof:${callerOf(c.env.origin)}` }
      if (refusedReads.wait(caller.actor) > 0)
        throw new KeyhavenError('RATE_LIMITED', 'too many refused reads')
      try {
        const share = await datashare.read({
          ...{ policyId, subscriberId, key, resumes: range !== undefined },
          reader: {
            ...caller,
            ...(header === undefined ? {} : { proof: { header, url: addressOf(parts.url(), c.req.path) } }),
          },
        })
        return await stream(share, range ?? null)
      } catch (error) {
        if (error instanceof KeyhavenError && error.code !== 'STORE_UNAVAILABLE')
          refusedReads.take(caller.actor)
        throw error
      }
    } catch (error) {
      if (header !== undefined && error instanceof KeyhavenError) return problemOfError(error)
      return refuse(error, clock())
    }
  })

  async function readerOf(c: Context<AppEnv>) {
    const { actor, organisation, serves } = await callers.identify(c)
    if (organisation === undefined && !serves)
      throw new KeyhavenError('ACCESS_DENIED', 'only partners and services read shares')
    return organisation === undefined ? { actor } : { actor, organisation }
  }

  async function stream(share: ReadableShare, range: string | null): Promise<Response> {
    const wanted = parseByteRange(range, share.bytes)
    if (wanted === 'none') {
      const headers = { 'content-range': `bytes */${share.bytes}` }
      return new Response(null, { status: STATUS_RANGE_NOT_SATISFIABLE, headers })
    }
    const body = await parts.objects.read(share.object, wanted)
    if (body === undefined) throw new KeyhavenError('SHARE_SPENT', 'the data of the share is gone')
    const length = wanted === undefined ? share.bytes : wanted.end - wanted.start + 1
    return new Response(body, {
      status: wanted === undefined ? STATUS_OK : STATUS_PARTIAL,
      headers: {
        ...{
          'content-type': 'application/octet-stream',
          'content-length': String(length),
          'accept-ranges': 'bytes',
        },
        ...(share.signature === '' ? {} : { [SHARE_SIGNATURE_HEADER]: share.signature }),
        ...(wanted === undefined
          ? {}
          : { 'content-range': `bytes ${wanted.start}-${wanted.end}/${share.bytes}` }),
      },
    })
  }
}

/** A proxy may have cut a prefix off the path, but not off the configured address. */
function addressOf(url: string, path: string): string {
  return `${url}${path.slice(path.indexOf(DATASHARE_PREFIX))}`
}

function shareAnswer(made: CreatedShare, now: number): object {
  const { url, policyId, subscriberId, validForInMinutes, transactionsAllowed } = made
  return {
    ...{ id: ANSWER_ID, version: ANSWER_VERSION, responsetime: mosipTime(now) },
    dataShare: { url, validForInMinutes, transactionsAllowed, policyId, subscriberId },
    errors: null,
  }
}

function refuse(error: unknown, now: number): Response {
  const answer = mosipRefusal(error, CODES, now, undefined, ({ responsetime, errors }) => ({
    ...{ id: ANSWER_ID, version: ANSWER_VERSION, responsetime, dataShare: null, errors },
  }))
  if (answer === undefined) throw error
  return answer
}
