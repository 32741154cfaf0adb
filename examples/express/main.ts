// An Express backend behind the gateway, and an app that calls it: node examples/express/main.ts
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from '@keyhaven/sdk'
import { startDemoServer } from '../demo-server.ts'
import { createBackend } from './backend.ts'

const backend = createBackend().listen(0, '127.0.0.1')
await once(backend, 'listening')
const gateway = await startDemoServer(`http://127.0.0.1:${(backend.address() as AddressInfo).port}`)

const { url, applicationId, rootThumbprints } = gateway
const keyhaven = connect({ url, applicationId, trust: { rootThumbprints } })
const headers = { 'content-type': 'application/json' }
const created = await keyhaven.fetch('/orders', { method: 'POST', headers, body: '{"item":"tea"}' })
console.log(created.status, created.headers.get('location'), await created.json())
console.log(await (await keyhaven.fetch('/orders')).json())

const plain = await fetch(`${url}/orders`)
console.log(`the same address without the channel: ${plain.status}`)

await gateway.close()
backend.close()
