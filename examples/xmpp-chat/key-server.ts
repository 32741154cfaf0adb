// A key server for two people to try xmpp-chat with: node examples/xmpp-chat/key-server.ts ANA@… BEN@… It
// prints what each of them sets. Ctrl+C ends it, and its data is gone.
import { startDemoServer } from '../demo-server.ts'

const accounts = process.argv.slice(2)
if (accounts.length === 0) {
  console.error('usage: node examples/xmpp-chat/key-server.ts ANA@EXAMPLE.ORG BEN@EXAMPLE.ORG')
  process.exit(1)
}
const server = await startDemoServer()
for (const account of accounts) {
  const settings = {
    KEYHAVEN_URL: server.url,
    KEYHAVEN_APPLICATION: server.applicationId,
    KEYHAVEN_ROOTS: server.rootThumbprints.join(','),
    KEYHAVEN_LOG: await server.logKey(),
    KEYHAVEN_TOKEN: await server.signUpToken(account),
    XMPP_ACCOUNT: account,
  }
  const words = Object.entries(settings).map(([name, value]) => `${name}='${value}'`)
  console.log(`export ${words.join(' ')}`)
}
process.once('SIGINT', () => {
  void server.close().then(() => process.exit(0))
})
