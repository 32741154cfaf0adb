import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  checkWebhookUrl,
  createWebhookSender,
} from '../packages/server/src/identity/events/webhook-sender.ts'
import { startWebhook } from './kit/webhook.ts'

describe('webhook addresses', () => {
  test.each([
    'http://example.org/',
    'ftp://example.org/',
    'nothing',
    'https://user:word@example.org/',
    'https://127.0.0.1/',
    'https://10.0.0.1/',
    'https://[::1]/',
    'https://[fd00::1]/',
    'https://169.254.169.254/latest',
    'https://0x7f.1/',
    'https://[::ffff:10.0.0.1]/',
    'https://2130706433/',
  ])('%s is refused', (url) => {
    expect(() => checkWebhookUrl(url, false)).toThrow('webhook')
  })

  test('an https address of the Internet is taken; http and private ones where they are configured', () => {
    expect(checkWebhookUrl('https://example.org/hook?a=b', false).host).toBe('example.org')
    expect(checkWebhookUrl('http://127.0.0.1:1/', true).port).toBe('1')
  })

  test('a name that leads into a private network is refused when it is resolved, whatever it was before', async () => {
    const hook = await startWebhook()
    const port = new URL(hook.url).port
    for (const addresses of [
      ['127.0.0.1'],
      ['198.41.0.4', '10.1.2.3'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['64:ff9b::7f00:1'],
    ]) {
      const resolve = async () =>
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      const sender = createWebhookSender({ privateNetworks: false, ca: hook.certificate, resolve })
      const posted = sender.post(`https://rebound.example:${port}/`, {}, new Uint8Array([1]))
      await expect(posted).rejects.toMatchObject({ code: 'UPSTREAM_REFUSED' })
    }
    expect(hook.received).toEqual([])
    await hook.close()
  })

  test('nobody there, and nobody who answers in time', async () => {
    const silent = createServer({}, () => {})
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const sender = createWebhookSender({ privateNetworks: true, timeoutMs: 200 })
    await expect(sender.post(`http://127.0.0.1:${port}/`, {}, new Uint8Array())).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    })
    silent.closeAllConnections()
    silent.close()
  })
})
