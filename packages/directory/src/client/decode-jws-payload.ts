import { fromBase64url, fromUtf8 } from '@keyhaven/crypto'

/** What a compact JWS says, NOT verified; undefined if it says nothing readable. */
export function decodeJwsPayload(jws: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const payload: unknown = JSON.parse(fromUtf8(fromBase64url(jws.split('.')[1] ?? '')))
    return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
