import type { Keyhaven } from '@keyhaven/sdk'
import type { Context } from '../context.ts'
import { openChannelStorage } from './channel-storage.ts'

/** The system application of the admin listener. */
export const ADMIN_APPLICATION = 'keyhaven-admin'

/** The admin listener's own sealed channel. The roots are those of its system application. */
export async function openSealedChannel(
  context: Context,
  origin: string,
  rootThumbprints: readonly string[],
): Promise<Keyhaven> {
  const { connect } = await import('@keyhaven/sdk')
  return connect({
    url: origin,
    applicationId: ADMIN_APPLICATION,
    trust: { rootThumbprints: rootThumbprints as [string] | [string, string] },
    storage: openChannelStorage(context, origin, rootThumbprints),
    fetch: context.fetch,
    clock: context.now,
  })
}
