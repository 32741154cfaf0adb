import type { AuthErrorBody } from '../../authentication/auth-messages.ts'
import { type IdaRefusalName, idaError } from '../../authentication/ida-errors.ts'

/** A request that is not answered with yes or no. What it carries goes to the caller. */
export class IdaRefusal extends Error {
  readonly errors: readonly AuthErrorBody[]

  constructor(errors: readonly AuthErrorBody[], options?: { readonly cause?: unknown }) {
    super('refused', options)
    this.name = 'IdaRefusal'
    this.errors = errors
  }
}

/** @param words - for each `%s` of MOSIP's text. */
export function refuse(name: IdaRefusalName, ...words: readonly string[]): IdaRefusal {
  return new IdaRefusal([idaError(name, ...words)])
}

/** Whatever does not decrypt: one code, one text, whatever the reason. */
export function undecryptable(): IdaRefusal {
  return refuse('UNDECRYPTABLE')
}
