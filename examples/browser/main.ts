// A page and a key server: node examples/browser/main.ts, then open the address that it prints. Ctrl+C ends
// it.
import { createServer } from 'vite'
import { startDemoServer } from '../demo-server.ts'

const server = await startDemoServer()
const { url, applicationId, rootThumbprints } = server
const vite = await createServer({
  root: import.meta.dirname,
  configFile: false,
  logLevel: 'warn',
  server: { host: '127.0.0.1' },
  define: { KEYHAVEN: JSON.stringify({ url, applicationId, rootThumbprints }) },
})
await vite.listen()
console.log(vite.resolvedUrls!.local[0])

process.once('SIGINT', async () => {
  await vite.close()
  await server.close()
})
