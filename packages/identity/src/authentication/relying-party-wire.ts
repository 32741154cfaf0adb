import { KeyhavenError, type RsaPrivateKey } from '@keyhaven/crypto'
import { readJsonAnswer } from '../http/read-answer.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { AuthClaims, AuthIdType, KycResponse, OtpChannel } from './auth-messages.ts'
import type { IdaTrust } from './ida-trust.ts'
import type { RelyingPartyOptions } from './relying-party-options.ts'

/** What a relying party builds its requests from. */
export interface RelyingPartyContext {
  readonly options: RelyingPartyOptions
  readonly url: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: () => number
  readonly trust: IdaTrust
  readonly certificate: Certificate
  readonly privateKey: RsaPrivateKey
}

export interface RequestHead {
  readonly transactionId: string
  readonly requestTime: string
  readonly id: string
  readonly idType: AuthIdType
}

/** How one profile writes requests and reads eKYC answers. */
export interface RelyingPartyWire {
  request(
    kind: 'auth' | 'kyc',
    head: RequestHead,
    claims: AuthClaims,
    more: { readonly consent: boolean; readonly attributes?: readonly string[] },
  ): Promise<object>
  otp(head: RequestHead, channels: readonly OtpChannel[]): Promise<object>
  /** @throws KeyhavenError `OPEN_FAILED` */
  openKyc(head: RequestHead, response: KycResponse): Promise<Readonly<Record<string, unknown>>>
}

/**
 * Asks IDA for what it publishes; what comes is verified by the caller.
 *
 * @throws KeyhavenError `UPSTREAM_FAILED` if nobody answers, or somebody else than an IDA of this profile.
 */
export async function fetchFromIda<T>({ fetch, url }: RelyingPartyContext, path: string): Promise<T> {
  const answer = await fetch(`${url}/idauthentication/v1/${path}`, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new KeyhavenError('UPSTREAM_FAILED', 'IDA does not answer', { cause })
  })
  const given = await readJsonAnswer(answer, MAX_PUBLISHED_BYTES).catch(() => undefined)
  if (!answer.ok || typeof given !== 'object' || given === null) {
    throw new KeyhavenError(
      'UPSTREAM_FAILED',
      `no IDA of this profile is at ${url}: it answers ${answer.status}`,
    )
  }
  return given as T
}

/** Keeps what was fetched for an hour: a key that was renewed meanwhile still opens. */
export function keptForAnHour<T>(clock: () => number, load: () => Promise<T>): () => Promise<T> {
  let kept: { readonly at: number; readonly value: Promise<T> } | undefined
  return () => {
    if (kept === undefined || clock() - kept.at >= HOUR_MS) {
      const value = load()
      kept = { at: clock(), value }
      value.catch(() => {
        kept = undefined
      })
    }
    return kept.value
  }
}

const HOUR_MS = 3_600_000
const TIMEOUT_MS = 30_000
/** A certificate, or a statement about a key. */
const MAX_PUBLISHED_BYTES = 65_536
