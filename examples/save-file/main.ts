// A page that saves a decrypted file through a service worker: node examples/save-file/main.ts, then open the
// address that it prints. Ctrl+C ends it.
import { createServer } from 'vite'

const vite = await createServer({
  root: import.meta.dirname,
  configFile: false,
  logLevel: 'warn',
  server: { host: '127.0.0.1' },
})
await vite.listen()
console.log(vite.resolvedUrls!.local[0])

process.once('SIGINT', () => vite.close())
