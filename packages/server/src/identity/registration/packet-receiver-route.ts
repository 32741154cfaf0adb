import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_PACKET_BYTES, mosipErrors, mosipResponse, parsePacketFileName } from '@keyhaven/identity'
import type { Context } from 'hono'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import type { TokenGuard } from '../token-guard.ts'
import { requireKept } from './packet-upload-routes.ts'
import type { Registrations } from './registrations.ts'

const MOSIP_RECEIVER_PATH = '/registrationprocessor/v1/packetreceiver/registrationpackets'

/** What a multipart body has beside the packet. */
const MULTIPART_OVERHEAD_BYTES = 65_536
/** As MOSIP's packet receiver answers. */
const RECEIVER_HEAD = { id: 'mosip.registration.packet', version: '1.0' }
/** MOSIP's codes (PlatformErrorMessages); a client takes the first for "has arrived". */
const RECEIVER_ERRORS: Partial<Record<KeyhavenError['code'], string>> = {
  DUPLICATE: 'RPR-PKR-005',
  PACKET_INVALID: 'RPR-PKR-003',
  INPUT_INVALID: 'RPR-PKR-003',
  WIRE_TOO_LARGE: 'RPR-PKR-002',
}

/** MOSIP's packet receiver: a packet whole, in a form. */
export function addPacketReceiverRoute(
  router: OpenAPIHono<AdminEnv>,
  registrations: Registrations,
  manages: TokenGuard,
  clock: () => number,
): void {
  const { packets } = registrations
  router.post(
    MOSIP_RECEIVER_PATH,
    ...manages,
    limitBody(MAX_PACKET_BYTES + MULTIPART_OVERHEAD_BYTES),
    async (c) => {
      try {
        const file = await packetOfForm(c)
        const bytes = new Uint8Array(await file.arrayBuffer())
        await registrations.requireWanted(parsePacketFileName(file.name).id)
        const packet = await packets.create({
          ...{ id: packets.newId(), fileName: file.name, bytes: bytes.length, actor: c.var.principal.actor },
        })
        await packets.append(packet, bytes)
        await requireKept(packets, packet)
        return c.json(mosipResponse({ status: 'PACKET_RECEIVED' }, clock(), RECEIVER_HEAD))
      } catch (error) {
        const errorCode = error instanceof KeyhavenError ? RECEIVER_ERRORS[error.code] : undefined
        if (errorCode === undefined) throw error
        const { message } = error as KeyhavenError
        return c.json(mosipErrors([{ errorCode, message }], clock(), RECEIVER_HEAD))
      }
    },
  )
}

async function packetOfForm(c: Context<AdminEnv>): Promise<File> {
  let form: Record<string, unknown>
  try {
    form = await c.req.parseBody()
  } catch (cause) {
    throw new KeyhavenError('INPUT_INVALID', 'the body is no form', { cause })
  }
  const file = Object.values(form).find((part) => part instanceof File)
  if (file === undefined || file.size === 0)
    throw new KeyhavenError('INPUT_INVALID', 'there is no packet in the form')
  return file
}
