import pino from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** What our code uses of pino. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

/** Names under which a secret could reach a log by mistake. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'token',
  'code',
  'password',
  'passphrase',
  'secret',
  'privateKey',
  'adminToken',
]

const STDERR_FD = 2

/**
 * Writes one JSON line per event to standard error, so that standard output stays free for what a command
 * prints. Requests are logged by route, never with their query string or body.
 */
export function createLogger(level: LogLevel, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
      serializers: { err: describeError },
    },
    destination ?? pino.destination(STDERR_FD),
  )
}

/** What codes look like: `STORE_UNAVAILABLE`, `ECONNREFUSED`, `28P01`. */
const ERROR_CODE = /^[A-Z0-9_]{1,64}$/

/**
 * Name, code, text and stack. The code is called `errorCode`, since what is named `code` can be a sign-in's.
 * Other members of an error (a query's values, a request) may hold user data.
 */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: typeof error }
  const { code } = error as { code?: unknown }
  return {
    name: error.name,
    ...(typeof code === 'string' && ERROR_CODE.test(code) ? { errorCode: code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
