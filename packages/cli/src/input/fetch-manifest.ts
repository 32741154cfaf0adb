import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { whyNoAnswer } from './why-no-answer.ts'

const FETCH_TIMEOUT_MS = 15_000

/**
 * Fetches an application's manifest as an app does; it is still to be verified.
 *
 * @param publicUrl - the server's public address.
 */
export async function fetchManifest(
  context: Context,
  publicUrl: string,
  applicationId: string,
): Promise<string> {
  const { MANIFEST_MAX_BYTES } = await import('@keyhaven/channel')
  const url = new URL(`/gateway/${encodeURIComponent(applicationId)}/manifest`, publicUrl)
  const response = await context
    .fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
    .catch((error: Error) => {
      const start = 'Start the server with `keyhaven serve`, or name its public address.'
      const { reason, advice } = whyNoAnswer(error, start)
      throw new CommandError('GATEWAY_UNAVAILABLE', `no answer from ${url.origin} (${reason})`, advice)
    })
  if (!response.ok) {
    await response.body?.cancel()
    throw new CommandError(
      response.status === 404 ? 'NOT_FOUND' : 'GATEWAY_REFUSED',
      `${url.href} answered ${response.status}`,
      'Check the public address (it is not the admin one) and the application; with an offline root, ' +
        'whether a delegation is installed: `keyhaven trust status APPLICATION`.',
    )
  }
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MANIFEST_MAX_BYTES) break // the verifier refuses it by its size
  }
  return text.trim()
}
