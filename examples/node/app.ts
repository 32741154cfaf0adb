import { connect, KeyhavenError } from '@keyhaven/sdk'

/** What an app does: four lines to a sealed call, and what it does when the channel says no. */
export async function run(
  url: string,
  applicationId: string,
  rootThumbprints: readonly string[],
): Promise<void> {
  const keyhaven = connect({ url, applicationId, trust: { rootThumbprints }, appVersion: '1.0.0' })
  const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello through the channel' })
  console.log(response.status, await response.text())

  const stranger = connect({ url, applicationId, trust: { rootThumbprints: ['A'.repeat(43)] } })
  try {
    await stranger.fetch('/v1/echo')
  } catch (error) {
    if (!(error instanceof KeyhavenError)) throw error
    console.log(`an app that trusts another root: ${error.code}, ${error.message}`)
  }
}
