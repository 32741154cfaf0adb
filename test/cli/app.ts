// A small app for the scripts: `app PUBLIC_URL APPLICATION TRUST_AS_JSON [APP_VERSION]` makes one sealed call.
import { connect } from '@keyhaven/sdk'

const [url, applicationId, trust, appVersion = '1.0.0'] = process.argv.slice(2) as [
  string,
  string,
  string,
  string?,
]
const keyhaven = connect({ url, applicationId, trust: JSON.parse(trust), appVersion })
try {
  const answer = await keyhaven.fetch('/v1/echo', { method: 'POST', body: 'hello' })
  console.log(`answered ${answer.status}`)
} catch (error) {
  console.log(`refused ${(error as { code?: string }).code}`)
} finally {
  keyhaven.close()
}
