/** What every call to MOSIP's services is wrapped in. */
export interface MosipRequest<T> {
  readonly id?: string
  readonly version?: string
  readonly requesttime?: string
  readonly metadata?: Readonly<Record<string, unknown>> | null
  readonly request: T
}

export interface MosipError {
  readonly errorCode: string
  readonly message: string
}

/** What every answer is wrapped in; `response` is null where there are errors. */
export interface MosipResponse<T> {
  readonly id: string | null
  readonly version: string | null
  readonly responsetime: string
  readonly metadata: null
  readonly response: T | null
  readonly errors: readonly MosipError[] | null
}

/** What is repeated of the request. */
export interface EnvelopeHead {
  readonly id: string | null
  readonly version: string | null
}

export const NO_HEAD: EnvelopeHead = { id: null, version: null }
const MAX_HEAD_CHARACTERS = 128

/**
 * The envelope of a parsed body; its fields beside `request` are optional in MOSIP.
 *
 * @returns undefined if the body is no envelope.
 */
export function readEnvelope(body: unknown): { head: EnvelopeHead; request: object } | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { id, version, request } = body as Record<string, unknown>
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return undefined
  return { head: { id: shortText(id), version: shortText(version) }, request }
}

/** @param now - milliseconds since the epoch. */
export function mosipRequest<T>(request: T, now: number, id = '', version = '1.0'): MosipRequest<T> {
  return { id, version, requesttime: mosipTime(now), metadata: null, request }
}

export function mosipResponse<T>(response: T, now: number, head = NO_HEAD): MosipResponse<T> {
  return { ...head, responsetime: mosipTime(now), metadata: null, response, errors: null }
}

export function mosipErrors(
  errors: readonly MosipError[],
  now: number,
  head = NO_HEAD,
): MosipResponse<never> {
  return { ...head, responsetime: mosipTime(now), metadata: null, response: null, errors }
}

/** `yyyy-MM-dd'T'HH:mm:ss.SSS'Z'`, UTC. */
export function mosipTime(now: number): string {
  return new Date(now).toISOString()
}

function shortText(value: unknown): string | null {
  return typeof value === 'string' && value.length <= MAX_HEAD_CHARACTERS ? value : null
}
