import { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { HTTPException } from 'hono/http-exception'
import { toStoreError } from '../database/store-error.ts'
import type { Logger } from '../log/logger.ts'
import type { AppEnv } from './call-origin.ts'
import { problemOfError, problemResponse } from './problem.ts'

/** How many refused fields one answer lists. */
const MAX_LISTED_ERRORS = 20
const STATUS_BAD_REQUEST = 400
const STATUS_UNSUPPORTED_MEDIA_TYPE = 415

/** A router whose every refusal, unknown route and fault is an RFC 9457 problem. */
export function createApp<Env extends AppEnv = AppEnv>(logger: Logger): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return undefined
      const errors = result.error.issues.slice(0, MAX_LISTED_ERRORS).map((issue) => ({
        path: issue.path.join('.'),
        message: issue.message,
      }))
      const detail = errors.map((e) => (e.path === '' ? e.message : `${e.path}: ${e.message}`)).join('; ')
      return problemResponse('INPUT_INVALID', { detail, errors })
    },
  })
  app.notFound(() => problemResponse('NOT_FOUND', { detail: 'There is nothing at this address.' }))
  app.onError((error) => answerError(error, logger))
  return app
}

/** The answer to a thrown value; faults of ours are logged, refusals are not. */
export function answerError(error: unknown, logger: Logger): Response {
  // Hono throws these for a body that does not parse, and for one of another type.
  if (error instanceof HTTPException && error.status === STATUS_BAD_REQUEST) {
    return problemResponse('INPUT_INVALID', { detail: 'The body is not valid JSON.' })
  }
  if (error instanceof HTTPException && error.status === STATUS_UNSUPPORTED_MEDIA_TYPE) {
    return problemResponse('UNSUPPORTED', {
      detail: 'The Content-Type of the body is not one of those taken here.',
    })
  }
  const known = toStoreError(error)
  if (!(known instanceof KeyhavenError) || known.code === 'STORE_UNAVAILABLE') {
    logger.error({ err: known }, 'request failed')
  }
  return problemOfError(known)
}
