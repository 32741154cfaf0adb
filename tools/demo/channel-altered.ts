import { codeOf, installApp, MARKER, type Scene } from './channel-scene.ts'

const GATEWAY = '/gateway/demo'
/** What a gateway says of a key that it does not take (RFC 9458 §5.3), said by somebody else. */
const FORGED_REFUSAL = JSON.stringify({
  type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
  code: 'KEY_REVOKED',
  status: 401,
  title: 'The key is revoked',
})
const BODY = JSON.stringify({ from: MARKER, amount: 100 })

/** Parts of a sealed call, and a byte in each. */
const PLACES: ReadonlyArray<readonly [string, number]> = [
  ['the encapsulated key', 300],
  ['the sealed bytes', 1_300],
  ['the authentication tag', -1],
]

export async function alteredCalls(scene: Scene): Promise<void> {
  const { tour, server, interceptor } = scene
  tour.chapter('3. The interceptor changes what passes')
  const app = installApp(scene, '1.0.0')
  const call = () => app.fetch('/v1/echo', { method: 'POST', body: BODY })
  await (await call()).arrayBuffer()
  const before = await server.executed()

  for (const [place, offset] of PLACES) {
    await interceptor.order({ method: 'POST', path: GATEWAY, flip: 'request', offset })
    const code = await codeOf(call())
    const ran = (await server.executed()) - before
    tour.claim(
      code === 'OPEN_FAILED' && ran === 0,
      `one bit of ${place} altered: the app gets ${code}, the server ran ${ran} calls`,
    )
  }

  await interceptor.order({ method: 'POST', path: GATEWAY, flip: 'response', offset: 60 })
  const code = await codeOf(call())
  tour.claim(code === 'OPEN_FAILED', `one bit of the answer altered: the app gets ${code} and no byte of it`)
  await interceptor.order()

  const last = (await interceptor.captured()).filter(({ method }) => method === 'POST').at(-1)!
  const ranBefore = await server.executed()
  const mediaType = last.requestHeaders.find(([name]) => name.toLowerCase() === 'content-type')![1]
  const again = await fetch(interceptor.url + last.path, {
    method: 'POST',
    headers: { 'content-type': mediaType },
    body: new Uint8Array(last.requestBody),
  })
  await again.arrayBuffer()
  const ran = (await server.executed()) - ranBefore
  tour.claim(ran === 0, `a recorded call sent a second time: the server ran ${ran} calls`)

  const { keyId } = app.status()
  const answer = { status: 401, type: 'application/problem+json', body: FORGED_REFUSAL }
  await interceptor.order({ method: 'POST', path: GATEWAY, answer })
  const forged = await codeOf(call())
  await interceptor.order()
  tour.claim(
    forged === 'GATEWAY_REFUSED' && app.status().keyId === keyId,
    `"this key is revoked", forged: the app gets ${forged} and stays with key ${keyId}`,
  )

  tour.claim((await call()).ok, 'left alone, the next call works again')
  app.close()
}
