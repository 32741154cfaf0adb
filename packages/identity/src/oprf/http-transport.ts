import { fromBase64url, KeyhavenError } from '@keyhaven/crypto'
import { readJsonAnswer } from '../http/read-answer.ts'
import {
  decodeOprfAnswer,
  encodeOprfOrders,
  type OprfEvaluateAnswer,
  type OprfTransport,
} from './oprf-wire.ts'

const TIMEOUT_MS = 10_000
/** Far over 256 elements and their proof. */
const MAX_ANSWER_BYTES = 1_048_576

export interface OprfHttpOptions {
  /** Without a slash at the end. */
  readonly url: string
  /** API token of the caller: it has the quota. */
  readonly token: string
  /** Keeps connections alive, as Node's does. */
  readonly fetch: typeof globalThis.fetch
}

/** Codes that the server's refusals keep here; everything else is that it cannot be asked now. */
const KEPT = ['ACCESS_DENIED', 'REPLAYED', 'RATE_LIMITED', 'KEY_UNKNOWN', 'WIRE_MALFORMED'] as const

/** Every call throws KeyhavenError `UPSTREAM_FAILED` if the server cannot be reached, or not be used now. */
export function createOprfHttp({ url, token, fetch }: OprfHttpOptions): OprfTransport {
  const call = async (path: string, body?: unknown): Promise<unknown> => {
    let response: Response
    let answer: unknown
    try {
      response = await fetch(`${url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        redirect: 'error',
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      answer = await readJsonAnswer(response, MAX_ANSWER_BYTES)
    } catch (cause) {
      throw new KeyhavenError('UPSTREAM_FAILED', 'the oblivious PRF cannot be reached', { cause })
    }
    if (response.ok) return answer
    const { code } = (answer ?? {}) as { code?: unknown }
    const kept = KEPT.find((one) => one === code)
    throw new KeyhavenError(
      kept ?? 'UPSTREAM_FAILED',
      `the oblivious PRF refused with ${kept ?? response.status}`,
    )
  }
  return {
    async keys() {
      const { keys } = (await call('/oprf/v1/keys')) as { keys: { version: number; publicKey: string }[] }
      return keys.map(({ version, publicKey }) => ({ version, publicKey: fromBase64url(publicKey) }))
    },
    async evaluate(version, orders) {
      const body = encodeOprfOrders(version, orders)
      return decodeOprfAnswer((await call('/oprf/v1/evaluate', body)) as OprfEvaluateAnswer)
    },
  }
}
