// A Node program and a key server: node examples/node/main.ts
import { startDemoServer } from '../demo-server.ts'
import { run } from './app.ts'

const server = await startDemoServer()
await run(server.url, server.applicationId, server.rootThumbprints)
await server.close()
