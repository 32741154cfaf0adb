import { KeyhavenError, utf8 } from '@keyhaven/crypto'
import { serializeString } from './structured-field.ts'

/** The parts of an HTTP message that a signature can cover. */
export interface SignedMessage {
  readonly method?: string
  /** Host, and the port unless it is the scheme's own. */
  readonly authority?: string
  /** Without the query. */
  readonly path?: string
  /** Empty, or from the `?` on. */
  readonly query?: string
  /** Of a response. */
  readonly status?: number
  /** Names in any case; a name may come more than once. */
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
}

/** A field name in lower case, a derived component (`@…`), or one parameter of the query. */
export type CoveredComponent = string | { readonly queryParam: string }

/** In the order in which they stand in the signature; a number is an integer. */
export type SignatureParameters = ReadonlyArray<readonly [name: string, value: string | number]>

const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

/** The covered components with the parameters: the value of `Signature-Input` and of `@signature-params`. */
export function signatureParams(
  components: readonly CoveredComponent[],
  parameters: SignatureParameters,
): string {
  const list = components.map(identifierOf).join(' ')
  const rest = parameters.map(([name, value]) => {
    if (typeof value === 'string') return `;${name}=${serializeString(value)}`
    if (!Number.isSafeInteger(value)) throw new TypeError(`parameter ${name} must be an integer`)
    return `;${name}=${value}`
  })
  return `(${list})${rest.join('')}`
}

/**
 * What is signed (RFC 9421 §2.5).
 *
 * Supported: fields without parameters, `@method`, `@authority`, `@path`, `@query`, `@query-param`,
 * `@status`.
 *
 * @throws KeyhavenError `SIGNATURE_INVALID` on a component that the message does not have, or that is named
 *   twice; `UNSUPPORTED` on another derived component.
 */
export function signatureBase(
  message: SignedMessage,
  components: readonly CoveredComponent[],
  parameters: SignatureParameters,
): Uint8Array {
  const lines = components.map(
    (component) => `${identifierOf(component)}: ${componentValue(message, component)}`,
  )
  if (new Set(components.map(identifierOf)).size !== components.length) throw invalid('component named twice')
  // A line break inside a value could forge a line.
  if (lines.some((line) => /[\r\n\0]/.test(line))) throw invalid('line break in a component')
  return utf8([...lines, `"@signature-params": ${signatureParams(components, parameters)}`].join('\n'))
}

function identifierOf(component: CoveredComponent): string {
  return typeof component === 'string'
    ? serializeString(component)
    : `"@query-param";name=${serializeString(component.queryParam)}`
}

function componentValue(message: SignedMessage, component: CoveredComponent): string {
  if (typeof component !== 'string') return queryParam(message, component.queryParam)
  switch (component) {
    case '@method':
      return present(message.method, component)
    case '@authority':
      return present(message.authority, component).toLowerCase()
    case '@path':
      return present(message.path, component) || '/'
    case '@query':
      // RFC 9421 §2.2.7: without a query the value is the question mark alone.
      return present(message.query, component) || '?'
    case '@status':
      return String(present(message.status, component))
    default:
      return fieldValue(message, component)
  }
}

/** All values of one field (RFC 9421 §2.1). */
function fieldValue({ fields }: SignedMessage, name: string): string {
  if (!FIELD_NAME.test(name)) throw new KeyhavenError('UNSUPPORTED', `component ${name}`)
  const values = fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value.trim())
  if (values.length === 0) throw invalid(`no field ${name}`)
  return values.join(', ')
}

/** One parameter that the query has exactly once (RFC 9421 §2.2.8), decoded and encoded again. */
function queryParam(message: SignedMessage, encodedName: string): string {
  const parameters = new URLSearchParams(present(message.query, '@query-param'))
  const values = parameters.getAll(decodeURIComponent(encodedName))
  if (values.length !== 1) throw invalid('query parameter')
  const encoded = new URLSearchParams([['', values[0]!]]).toString().slice(1)
  return encoded.replaceAll('+', '%20')
}

function present<T>(value: T | undefined, component: string): T {
  if (value === undefined) throw invalid(`no ${component}`)
  return value
}

function invalid(reason: string): KeyhavenError {
  return new KeyhavenError('SIGNATURE_INVALID', reason)
}
