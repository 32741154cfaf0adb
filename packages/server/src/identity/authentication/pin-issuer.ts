import { fromUtf8, KeyhavenError, readAtMost } from '@keyhaven/crypto'
import { parseCertificate } from '@keyhaven/identity'
import { isLoopback } from '../../platform/http/loopback.ts'
import type { IssuerStore } from '../ida/issuer-store.ts'

const PATH = '/v1/keymanager/getCertificate?applicationId=ROOT'
const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 65_536

/**
 * Asks the issuer for its root the first time, over TLS or on this machine, and pins it; an operator can pin
 * one beforehand, or another one later. It stays as it is if the issuer does not answer yet.
 *
 * @returns whether a root is pinned now.
 * @throws KeyhavenError `CONFIG_INVALID` where the address is neither.
 */
export async function pinIssuer(store: IssuerStore, issuerUrl: string): Promise<boolean> {
  if ((await store.root()) !== undefined) return true
  const { protocol, hostname } = new URL(issuerUrl)
  if (protocol !== 'https:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      'the issuer’s root is asked for over https only: pin it with `keyhaven auth issuer`',
    )
  }
  const pem = await ask(`${issuerUrl}${PATH}`)
  if (pem === undefined) return false
  await store.pin(parseCertificate(pem), 'system', false)
  return true
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    const bytes = await readAtMost(answer.body, MAX_ANSWER_BYTES)
    if (bytes === undefined) return undefined
    const { response } = JSON.parse(fromUtf8(bytes)) as { response?: { certificate?: unknown } | null }
    return typeof response?.certificate === 'string' ? response.certificate : undefined
  } catch {
    return undefined
  }
}
