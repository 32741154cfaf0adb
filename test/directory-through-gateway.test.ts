import { type Channel, createChannel } from '@keyhaven/channel'
import { createGateway, createMemoryReplayStore, staticGatewayKeys } from '@keyhaven/channel/gateway'
import { toBase64url } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import {
  createDirectoryClient,
  createMemoryDirectoryStore,
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  generateDeviceKeys,
  verifyDeviceRequest,
} from '@keyhaven/directory'
import { createLogSigner, formatVerifierKey } from '@keyhaven/directory/log'
import { expect, test } from 'vitest'

const NOW = Date.UTC(2026, 10, 21)
const APPLICATION = 'demo'
/** Dates before it are refused by a store in memory. */
const STARTED_LONG_AGO = 1

test('a request that the client signs is verified behind the real gateway, and nowhere twice', async () => {
  const keys = await generateDeviceKeys(nodeBackend, 'x25519')
  const { publicKey, privateKey } = await nodeBackend.kem.generateKeyPair('x25519')
  const outcomes: string[] = []
  let replayed: { headers: Headers; body: Uint8Array } | undefined
  const gateway = createGateway({
    keys: staticGatewayKeys([{ keyId: 1, privateKey }], APPLICATION),
    backend: nodeBackend,
    clock: () => NOW,
    replay: createMemoryReplayStore(() => NOW, { refusesBefore: STARTED_LONG_AGO }),
    handler: async (request, context) => {
      const url = new URL(request.url)
      const arrived = { headers: request.headers, body: new Uint8Array(await request.arrayBuffer()) }
      // Second time round: fields and body of the first seal.
      const { headers, body } = replayed ?? arrived
      replayed = arrived
      const verifying = verifyDeviceRequest({
        backend: nodeBackend,
        method: request.method,
        authority: url.host,
        path: url.pathname,
        query: url.search,
        headers,
        body,
        application: context.applicationId,
        channelExport: await context.export(DEVICE_REQUEST_EXPORT_LABEL, DEVICE_REQUEST_EXPORT_BYTES),
        now: NOW / 1_000,
        findDevice: () => ({ requestKey: keys.requestKey.publicKey, revoked: false }),
        seenNonce: () => false,
      })
      outcomes.push(
        await verifying.then(
          ({ device }) => device,
          (error) => `${error.code}: ${error.cause?.message}`,
        ),
      )
      return Response.json({ code: 'NOT_FOUND' }, { status: 404 })
    },
  })
  const channel: Channel = createChannel({
    url: 'https://keys.test:8443',
    applicationId: APPLICATION,
    trust: { pinnedKeys: [{ keyId: 1, publicKey: toBase64url(publicKey.bytes) }] },
    fetch: async (input, init) => gateway(new Request(input, init), APPLICATION),
    clock: () => NOW,
    backend: nodeBackend,
  })
  const key = await nodeBackend.signatures.generateKeyPair('EdDSA')
  const client = createDirectoryClient({
    fetch: channel.signedFetch,
    application: APPLICATION,
    trust: { log: await verifierKeyOf(key) },
    store: createMemoryDirectoryStore(),
    clock: () => NOW,
    backend: nodeBackend,
    identity: { username: 'alice', ...keys },
  })
  for (const username of ['bob', 'carol']) {
    await expect(client.lookUp(username)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }
  expect(outcomes).toEqual([keys.device, 'UNAUTHENTICATED: device signature: channel'])
  channel.close()
})

async function verifierKeyOf(key: Awaited<ReturnType<typeof nodeBackend.signatures.generateKeyPair>>) {
  const signer = await createLogSigner(nodeBackend, 'log.test/demo', key)
  return formatVerifierKey(signer.checkpoint.verifier)
}
