import { KeyhavenError } from '@keyhaven/crypto'
import { MANIFEST_MAX_BYTES, MANIFEST_MEDIA_TYPE } from '../manifest/manifest.ts'
import { readAtMost } from './read-at-most.ts'

/**
 * Gets a manifest's bytes. Nothing of the answer is believed here; {@link verifyManifest} decides.
 *
 * @throws TypeError of `fetch` if the network fails; KeyhavenError `GATEWAY_UNAVAILABLE` (5xx),
 *   `GATEWAY_REFUSED` (any other status, another media type), `WIRE_TOO_LARGE`.
 */
export async function fetchManifest(
  fetchBytes: typeof fetch,
  url: string,
  signal: AbortSignal,
): Promise<string> {
  const response = await fetchBytes(url, {
    headers: { accept: MANIFEST_MEDIA_TYPE },
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'manual',
    referrerPolicy: 'no-referrer',
    signal,
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new KeyhavenError(
      response.status >= 500 ? 'GATEWAY_UNAVAILABLE' : 'GATEWAY_REFUSED',
      `the manifest could not be fetched (HTTP ${response.status}): check the URL and the application id`,
    )
  }
  const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== MANIFEST_MEDIA_TYPE) {
    await response.body?.cancel()
    throw new KeyhavenError(
      'GATEWAY_REFUSED',
      'something that is no manifest came in its place, such as the sign-in page of a network',
    )
  }
  const bytes = await readAtMost(response, MANIFEST_MAX_BYTES)
  if (bytes === undefined)
    throw new KeyhavenError('WIRE_TOO_LARGE', `a manifest over ${MANIFEST_MAX_BYTES} bytes`)
  return new TextDecoder().decode(bytes).trim()
}
