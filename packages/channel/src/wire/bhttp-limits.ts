/** What a Binary HTTP decoder accepts. Over a limit it throws `WIRE_TOO_LARGE`, before it stores anything. */
export interface BhttpLimits {
  /** Field lines in one header or trailer section. */
  readonly maxFields: number
  /** Bytes of one header or trailer section, and of the control data. */
  readonly maxFieldSectionBytes: number
  readonly maxFieldNameBytes: number
  readonly maxFieldValueBytes: number
  /** Bytes of path and query. */
  readonly maxPathBytes: number
  /** Bytes of content. */
  readonly maxContentBytes: number
  /** Responses with a status of 100 to 199 before the final one. */
  readonly maxInformationalResponses: number
}

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

export const BHTTP_LIMITS: BhttpLimits = {
  maxFields: 128,
  maxFieldSectionBytes: 32 * KIBIBYTE,
  maxFieldNameBytes: 256,
  maxFieldValueBytes: 16 * KIBIBYTE,
  maxPathBytes: 8 * KIBIBYTE,
  maxContentBytes: 1024 * MEBIBYTE,
  maxInformationalResponses: 8,
}

export const METHOD_MAX_BYTES = 32
export const SCHEME_MAX_BYTES = 32
/** A DNS name, or an IPv6 address in brackets, and a port. */
export const AUTHORITY_MAX_BYTES = 262
