import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { listenUrl } from '../doctor/listen-url.ts'
import { openWitness, type WitnessInput } from './open-witness.ts'
import { createWitnessServer, type WitnessEvent } from './witness-server.ts'

/** A witness that answers. */
export interface RunningWitness {
  /** Where servers reach it. */
  readonly url: string
  readonly verifierKey: string
  /** For the server's environment. */
  readonly setting: string
  /** Origins of its logs. */
  readonly logs: readonly string[]
  readonly isNew: boolean
  /** Lets running requests end, then stops. */
  readonly close: () => Promise<void>
}

/**
 * Starts a witness.
 *
 * @param publicUrl - where servers reach it, if not at its own address.
 */
export async function startWitness(
  input: WitnessInput,
  { host, port }: { readonly host: string; readonly port: number },
  publicUrl: string | undefined,
  onEvent: (event: WitnessEvent) => void,
): Promise<RunningWitness> {
  const opened = await openWitness(input)
  const { witness, verifierKey, isNew } = opened
  try {
    const server = createWitnessServer(witness, verifierKey, onEvent)
    server.listen(port, host)
    await once(server, 'listening')
    const address = server.address() as AddressInfo
    const url = publicUrl ?? listenUrl('http', { host, port: address.port })
    return {
      url,
      verifierKey,
      setting: `KEYHAVEN_WITNESSES=${verifierKey}@${url}`,
      logs: [...witness.logs.keys()],
      isNew,
      close: async () => {
        const closed = once(server, 'close')
        server.close()
        server.closeIdleConnections()
        await closed
        opened[Symbol.dispose]()
      },
    }
  } catch (error) {
    opened[Symbol.dispose]()
    throw error
  }
}
