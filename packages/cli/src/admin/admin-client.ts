import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { EXIT_USAGE } from '../exit-code.ts'
import { whyNoAnswer } from '../input/why-no-answer.ts'
import { notKeyhaven, problemToError } from './problem-to-error.ts'
import { readAdminToken } from './read-admin-token.ts'
import { openSealedChannel } from './sealed-channel.ts'
import { type ServerOptions, serverToReach } from './server-options.ts'

/** Waiting longer than this for the admin API is given up. */
const ANSWER_TIMEOUT_MS = 30_000
/** The admin API's pages are far smaller. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024

type Query = Readonly<Record<string, string | number | undefined>>

interface CallInput {
  /** Sent as JSON. */
  readonly body?: unknown
  readonly query?: Query
}

/** Calls to `/admin/v1`. Every failure is a {@link CommandError} that says what to do. */
export interface AdminClient extends Disposable {
  /** @returns undefined for an answer without content. */
  call<T>(method: string, path: string, input?: CallInput): Promise<T>
  get<T>(path: string, query?: Query): Promise<T>
  /** Also the time that the server says it is, as HTTP writes dates. */
  getWithDate<T>(path: string): Promise<{ readonly value: T; readonly date: string | null }>
}

/**
 * Reaches the admin API: in plain on this machine, otherwise through a sealed channel that trusts the given
 * roots.
 *
 * @throws CommandError on a bad address, a missing token, or another machine without `--trust`.
 */
export async function connectAdmin(context: Context, options: ServerOptions): Promise<AdminClient> {
  const { server: address, trust } = serverToReach(context, options)
  const server = parseServerUrl(address)
  const sealed = trust.length > 0
  if (!sealed && !isLoopback(server.hostname)) {
    throw new CommandError(
      'CHANNEL_REQUIRED',
      `${server.origin} is not this machine, so it is called only through a sealed channel`,
      'Give its root thumbprint with --trust THUMBPRINT. On the server, `keyhaven trust status ' +
        'keyhaven-admin` shows it.',
      EXIT_USAGE,
    )
  }
  const token = await readAdminToken(context, options, isLoopback(server.hostname))
  const channel = sealed ? await openSealedChannel(context, server.origin, trust) : undefined
  const send = channel?.fetch ?? context.fetch
  const request = async (method: string, path: string, input: CallInput): Promise<Response> => {
    const url = new URL(`/admin/v1${path}`, server)
    for (const [name, value] of Object.entries(input.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const init: RequestInit = {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    }
    if (input.body !== undefined) {
      headers['content-type'] = 'application/json'
      init.body = JSON.stringify(input.body)
    }
    return send(url.href, init).catch((error: unknown) => {
      throw unreachable(server.origin, error)
    })
  }
  const call: AdminClient['call'] = async (method, path, input = {}) =>
    readAnswer(await request(method, path, input), server.origin)
  return {
    call,
    get: (path, query = {}) => call('GET', path, { query }),
    async getWithDate<T>(path: string) {
      const response = await request('GET', path, {})
      return { value: await readAnswer<T>(response, server.origin), date: response.headers.get('date') }
    },
    [Symbol.dispose]: () => channel?.close(),
  }
}

export function parseServerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CommandError(
      'INPUT_INVALID',
      `--server: "${text}" is not an http or https address`,
      'Write it like http://127.0.0.1:8788.',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new CommandError(
      'INPUT_INVALID',
      '--server: the address holds a user name or password',
      'Leave it out; the token goes into KEYHAVEN_ADMIN_TOKEN.',
    )
  }
  return url
}

/** 127.0.0.0/8, ::1 and `localhost` (RFC 6761 §6.3 keeps it on this machine). */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

function unreachable(origin: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error.name === 'KeyhavenError') return error
  const { reason, advice } = whyNoAnswer(
    error,
    'Start the server with `keyhaven serve`, or name another one with --server URL.',
  )
  const shown = error.name === 'TimeoutError' ? `none within ${ANSWER_TIMEOUT_MS / 1000} s` : reason
  return new CommandError('GATEWAY_UNAVAILABLE', `no answer from ${origin} (${shown})`, advice)
}

async function readAnswer<T>(response: Response, origin: string): Promise<T> {
  const text = await readText(response, origin)
  if (response.status === 204 || (response.ok && text === '')) return undefined as T
  const value = parseJson(text)
  if (response.ok && value !== undefined) return value as T
  throw problemToError(response.status, value, origin)
}

async function readText(response: Response, origin: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > ANSWER_MAX_BYTES) throw notKeyhaven(origin, `more than ${ANSWER_MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
