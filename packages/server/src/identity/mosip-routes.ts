import type { OpenAPIHono, z } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { type EnvelopeHead, mosipResponse, NO_HEAD, readEnvelope } from '@keyhaven/identity'
import type { Context } from 'hono'
import type { AppEnv } from '../platform/http/call-origin.ts'
import { limitBody } from '../platform/http/limit-body.ts'
import type { IdentityCaller, IdentityCallers } from './identity-callers.ts'
import { type MosipCodes, mosipCallerRefusal, mosipJson, mosipRefusal } from './mosip-answer.ts'

/** One of MOSIP's services. */
export interface MosipService {
  readonly codes: MosipCodes
  /** Who may call it at all. */
  readonly admits: (caller: IdentityCaller) => boolean
  readonly maxBytes: number
}

/** One call of it. */
export interface MosipCall {
  readonly caller: IdentityCaller
  /** Of the path; a name that is not in it is refused by the router before. */
  param(name: string): string
  query(name: string): string | undefined
  /** The envelope's `request`, checked. */
  request<T>(schema: z.ZodType<T>): T
  readonly now: number
}

export interface MosipRouteParts {
  readonly callers: IdentityCallers
  readonly clock: () => number
}

/** @param own - what its answers begin with, where a service does not repeat what the request begins with. */
export type MosipRoute = (
  method: 'get' | 'post' | 'put' | 'patch',
  path: string,
  work: (call: MosipCall) => Promise<unknown>,
  own?: EnvelopeHead,
) => void

/** Permission `use-identity-keys`: services of the identity system. */
export const admitServices: MosipService['admits'] = ({ serves }) => serves

/** Routes in MOSIP's envelope, for whoever is signed in and admitted; what each may do the services decide. */
export function mosipRoutes(
  app: OpenAPIHono<AppEnv>,
  { callers, clock }: MosipRouteParts,
  { codes, admits, maxBytes }: MosipService,
): MosipRoute {
  const limit = limitBody(maxBytes)
  return (method, path, work, own) => {
    app.on(method.toUpperCase(), path, limit, async (c: Context<AppEnv>) => {
      let head = own ?? NO_HEAD
      let caller: IdentityCaller | undefined
      try {
        caller = await admittedCaller(callers, admits, c)
        const envelope =
          method === 'get' ? undefined : readEnvelope(await c.req.json().catch(() => undefined))
        head = own ?? envelope?.head ?? NO_HEAD
        const call: MosipCall = {
          ...{
            caller,
            now: clock(),
            param: (name) => c.req.param(name) ?? '',
            query: (name) => c.req.query(name),
          },
          request: (schema) => checked(schema, envelope?.request),
        }
        return mosipJson(mosipResponse(await work(call), clock(), head))
      } catch (error) {
        const refusal =
          caller === undefined
            ? mosipCallerRefusal(error, clock(), head)
            : mosipRefusal(error, codes, clock(), head)
        if (refusal === undefined) throw error
        return refusal
      }
    })
  }
}

/** @throws KeyhavenError as `identify`; `ACCESS_DENIED` for who is signed in and has nothing to do here. */
export async function admittedCaller(
  callers: IdentityCallers,
  admits: MosipService['admits'],
  c: Context<AppEnv>,
): Promise<IdentityCaller> {
  const caller = await callers.identify(c)
  if (admits(caller)) return caller
  throw new KeyhavenError('ACCESS_DENIED', 'the role of this token does not allow it')
}

function checked<T>(schema: z.ZodType<T>, request: unknown): T {
  const result = schema.safeParse(request)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new KeyhavenError('INPUT_INVALID', `request.${issue!.path.join('.')}: ${issue!.message}`)
}
