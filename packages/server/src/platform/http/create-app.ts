import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import { toStoreError } from '../database/store-error.ts'
import type { Logger } from '../log/logger.ts'
import type { AppEnv } from './call-origin.ts'
import { createFaultLog } from './fault-log.ts'
import { isFault, problemOfError, problemResponse } from './problem.ts'

/** How many refused fields one answer lists. */
const MAX_LISTED_ERRORS = 20
const STATUS_BAD_REQUEST = 400
const STATUS_UNSUPPORTED_MEDIA_TYPE = 415

/**
 * A router whose every refusal, unknown route and fault is an RFC 9457 problem.
 *
 * @param showsFaults - to whom it says what is wrong with the server; by default to nobody, it is in the log.
 */
export function createApp<Env extends AppEnv = AppEnv>(
  logger: Logger,
  showsFaults: (context: Context<Env>) => boolean = () => false,
): OpenAPIHono<Env> {
  const logFault = createFaultLog(logger)
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
  app.onError((error, context) =>
    answerError(
      error,
      (fault) => logFault(fault, `${context.req.method} ${routePath(context, -1)}`),
      showsFaults(context),
    ),
  )
  return app
}

/** The answer to a thrown value; faults of ours are logged, refusals are not. */
function answerError(error: unknown, logFault: (fault: unknown) => void, showsFaults: boolean): Response {
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
  if (isFault(known)) logFault(known)
  return problemOfError(known, showsFaults)
}
