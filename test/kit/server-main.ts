// A server process for tests: settings come as KEYHAVEN_*, it prints one line of JSON when it is ready.
import { loadConfig, startGateway, startServer } from '@keyhaven/server'

const config = loadConfig(process.env)
const server = await (config.upstreams.length > 0 ? startGateway(config) : startServer(config))
const { close, ...addresses } = server
console.log(JSON.stringify(addresses))
process.once('SIGTERM', () => void close().then(() => process.exit(0)))
// The test process is gone: so is the need for this one.
process.stdin.resume().once('end', () => process.exit(1))
