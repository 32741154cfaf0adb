import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { startMitmproxy } from '../../test/kit/mitmproxy.ts'
import { startTlsServer } from '../../test/kit/tls-server.ts'
import { alteredCalls } from './channel-altered.ts'
import { plainControl, sealedCalls } from './channel-calls.ts'
import { rotation } from './channel-rotation.ts'
import type { Tour } from './tour.ts'

/** The channel, with somebody in between whose certificates the app accepts. */
export async function channelTour(tour: Tour): Promise<void> {
  tour.chapter('The scene')
  const opened: { close(): Promise<void> }[] = []
  try {
    const [server, plainServer] = await Promise.all([
      startTlsServer(),
      startTlsServer({ KEYHAVEN_REQUIRE_CHANNEL: 'off' }),
    ])
    opened.push(server, plainServer)
    const [interceptor, plainInterceptor] = await Promise.all([
      startMitmproxy(server.publicUrl),
      startMitmproxy(plainServer.publicUrl),
    ])
    opened.push(interceptor, plainInterceptor)
    setDefaultCACertificates([...getCACertificates('default'), interceptor.certificateAuthority])
    tour.say(`app → ${interceptor.url} mitmproxy, TLS taken off → ${server.publicUrl} key server, TLS`)
    tour.say('The app trusts the certificate authority of the interceptor, so its TLS protects nothing here.')

    await plainControl(tour, plainInterceptor)
    const scene = { tour, server, interceptor }
    await sealedCalls(scene)
    await alteredCalls(scene)
    await rotation(scene)
  } finally {
    await Promise.allSettled(opened.map((one) => one.close()))
  }
}
