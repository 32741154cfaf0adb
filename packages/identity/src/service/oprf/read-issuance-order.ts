import { fromUtf8, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import type { IssuanceOrder } from '../../oprf/oprf-wire.ts'

/** `typ` of the JWS that an order is. */
export const ISSUANCE_ORDER_TYP = 'keyhaven-oprf-order+jws'

/** How old an order may be, and how far ahead the issuer's clock. */
const ORDER_SECONDS = 300
const MS_PER_SECOND = 1_000

export function encodeIssuanceOrder(order: IssuanceOrder): Uint8Array {
  const { v, application, element, request, iat } = order
  return utf8(JSON.stringify({ v, application, element, request, iat }))
}

/** @throws KeyhavenError `ACCESS_DENIED` if the order is for something else, or of another time. */
export function readIssuanceOrder(
  payload: Uint8Array,
  expected: { readonly application: string; readonly element: Uint8Array; readonly now: number },
): IssuanceOrder {
  const order = parse(payload)
  const age = Math.abs(expected.now / MS_PER_SECOND - order.iat)
  if (
    order.v === 1 &&
    order.application === expected.application &&
    order.element === toBase64url(expected.element) &&
    typeof order.request === 'string' &&
    age <= ORDER_SECONDS
  ) {
    return order
  }
  throw new KeyhavenError('ACCESS_DENIED', 'an issuance order is for another element, application or time')
}

function parse(payload: Uint8Array): IssuanceOrder {
  try {
    return JSON.parse(fromUtf8(payload)) as IssuanceOrder
  } catch (cause) {
    throw new KeyhavenError('ACCESS_DENIED', 'an issuance order is malformed', { cause })
  }
}
