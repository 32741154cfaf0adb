/** Encapsulated request and response in one piece (RFC 9458 §9). */
export const OHTTP_REQUEST_TYPE = 'message/ohttp-req'
export const OHTTP_RESPONSE_TYPE = 'message/ohttp-res'
/** The same in chunks (draft-ietf-ohai-chunked-ohttp-08 §8). */
export const OHTTP_CHUNKED_REQUEST_TYPE = 'message/ohttp-chunked-req'
export const OHTTP_CHUNKED_RESPONSE_TYPE = 'message/ohttp-chunked-res'
/** A list of key configurations (RFC 9458 §3.2). */
export const OHTTP_KEYS_TYPE = 'application/ohttp-keys'
/** RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json'

/**
 * Problem type of a key that the gateway does not take (RFC 9458 §5.3). Not authenticated: anyone can send
 * it.
 */
export const OHTTP_KEY_PROBLEM = 'https://iana.org/assignments/http-problem-types#ohttp-key'
/** Problem type of a request dated outside the window (RFC 9458 §6.5.2). Only believed inside the seal. */
export const DATE_PROBLEM = 'https://iana.org/assignments/http-problem-types#date'
/** Our other problem types are this, followed by the error code. */
export const PROBLEM_URN_PREFIX = 'urn:keyhaven:error:'
