// A small app for the scripts: `app PUBLIC_URL APPLICATION TRUST_AS_JSON [APP_VERSION [URL]]` makes one
// sealed call.
import { connect } from '@keyhaven/sdk'

const [url, applicationId, trust, appVersion = '1.0.0', target] = process.argv.slice(2)
const keyhaven = connect({ url: url!, applicationId: applicationId!, trust: JSON.parse(trust!), appVersion })
try {
  const answer = await keyhaven.fetch(target ?? '/v1/echo', { method: 'POST', body: 'hello' })
  console.log(
    target === undefined ? `answered ${answer.status}` : `answered ${answer.status}: ${await answer.text()}`,
  )
} catch (error) {
  console.log(`refused ${(error as { code?: string }).code}`)
} finally {
  keyhaven.close()
}
