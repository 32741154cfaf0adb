// A chat for two people: node examples/chat/main.ts, then open the address that it prints in two tabs. Ctrl+C
// ends it.
import { createServer } from 'vite'
import { startDemoServer } from '../demo-server.ts'

const server = await startDemoServer()
const { url, applicationId, rootThumbprints } = server
const log = await server.logKey()
// An operator would hand each of them out to one person.
const tokens = { anna: await server.signUpToken('anna'), ben: await server.signUpToken('ben') }
const vite = await createServer({
  root: import.meta.dirname,
  configFile: false,
  logLevel: 'warn',
  server: { host: '127.0.0.1' },
  define: { CHAT: JSON.stringify({ url, applicationId, trust: { rootThumbprints, log }, tokens }) },
})
await vite.listen()
console.log(vite.resolvedUrls!.local[0])

process.once('SIGINT', async () => {
  await vite.close()
  await server.close()
})
