import type { Context } from '../context.ts'
import { openChannelStorage } from './channel-storage.ts'

/** The system application of the admin listener. */
export const ADMIN_APPLICATION = 'keyhaven-admin'

/** A `fetch` through the admin listener's own sealed channel. */
export async function openSealedFetch(
  context: Context,
  origin: string,
  rootThumbprints: readonly string[],
): Promise<typeof fetch> {
  const { connect } = await import('@keyhaven/sdk')
  const connection = await connect({
    url: origin,
    applicationId: ADMIN_APPLICATION,
    trust: { rootThumbprints: rootThumbprints as [string] | [string, string] },
    storage: openChannelStorage(context, origin, rootThumbprints),
    fetch: context.fetch,
  })
  return (input, init) => connection.fetch(input as string, init)
}
