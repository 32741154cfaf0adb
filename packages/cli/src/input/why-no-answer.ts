/** Node's codes for a certificate that it does not accept. */
const UNTRUSTED: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]
const TRUST_ADVICE =
  'Its certificate is of an authority that this machine does not know: name the file of that authority, ' +
  'or of a self-made certificate, in NODE_EXTRA_CA_CERTS.'

/**
 * Why a call got no answer; Node's `fetch failed` hides the reason in its cause.
 *
 * @param advice - what to do unless the reason has an advice of its own.
 */
export function whyNoAnswer(
  error: Error,
  advice: string,
): { readonly reason: string; readonly advice: string } {
  const { cause } = error
  if (!(cause instanceof Error)) return { reason: error.message, advice }
  const reason = 'code' in cause ? String(cause.code) : cause.message
  return { reason, advice: UNTRUSTED.includes(reason) ? TRUST_ADVICE : advice }
}
