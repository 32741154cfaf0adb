import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_PACKET_BYTES, parsePacketFileName } from '@keyhaven/identity'
import type { Context } from 'hono'
import { MAX_PATCH_BYTES, type TusTarget, tusAnswer } from '../../files/tus-answer.ts'
import { createUploadLocks } from '../../files/upload-locks.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import type { TokenGuard } from '../token-guard.ts'
import type { PacketUploads, StoredPacket } from './packet-uploads.ts'
import { type Registrations, received } from './registrations.ts'

const PACKETS_PATH = '/v1/identity/packets'
/** Name of the packet that an upload brings: `<RID>-<centre_machine>-<yyyyMMddHHmmss>.zip`. */
const PACKET_HEADER = 'keyhaven-packet'

const NO_BODY = new Uint8Array(0)
const REFUSED_HEADERS = ['upload-metadata', 'upload-concat', 'upload-defer-length', 'x-http-method-override']

/** Packets in pieces (tus), which a client goes on with after a cut. */
export function addPacketUploadRoutes(
  router: OpenAPIHono<AdminEnv>,
  registrations: Registrations,
  manages: TokenGuard,
): void {
  const { packets } = registrations
  const locks = createUploadLocks()

  const answer = (
    c: Context<AdminEnv>,
    target: TusTarget<StoredPacket>,
    body: Uint8Array<ArrayBuffer> = NO_BODY,
  ) => tusAnswer(target, c.req.raw, body, locks, { path: PACKETS_PATH, maxBytes: MAX_PACKET_BYTES })

  router.use(`${PACKETS_PATH}/*`, ...manages, async (c, next) => {
    const refused = REFUSED_HEADERS.find((name) => c.req.raw.headers.get(name) !== null)
    if (refused !== undefined) throw new KeyhavenError('INPUT_INVALID', `${refused} is not taken here`)
    await next()
  })

  router.post(PACKETS_PATH, limitBody(MAX_PATCH_BYTES), async (c) => {
    const fileName = c.req.header(PACKET_HEADER) ?? ''
    await registrations.requireWanted(parsePacketFileName(fileName).id)
    const length = c.req.header('upload-length') ?? ''
    if (!/^[1-9]\d{0,15}$/.test(length)) {
      throw new KeyhavenError('INPUT_INVALID', 'Upload-Length: bytes of the whole packet, at least 1')
    }
    if ((await c.req.arrayBuffer()).byteLength > 0) {
      throw new KeyhavenError('INPUT_INVALID', 'the first bytes come with a PATCH')
    }
    return answer(c, {
      ...UNREACHABLE,
      newId: packets.newId,
      create: async (id, bytes) => {
        await packets.create({ id, fileName, bytes, actor: c.var.principal.actor })
      },
    })
  })

  // The router takes HEAD for a GET without content.
  router.on(['GET', 'PATCH', 'DELETE'], `${PACKETS_PATH}/:id`, limitBody(MAX_PATCH_BYTES), async (c) => {
    const present = await packets.find(c.req.param('id') ?? '')
    const { method } = c.req
    if (method === 'GET' || present?.actor !== c.var.principal.actor) throw unknownPacket()
    const packet = await packets.settle(present)
    if (packet.state === 'deleting') throw received()
    if (packet.state === 'complete' && method !== 'HEAD') {
      throw new KeyhavenError('UPLOAD_CONFLICT', 'the packet is whole: it cannot change any more')
    }
    const body = method === 'PATCH' ? new Uint8Array(await c.req.arrayBuffer()) : NO_BODY
    const response = await answer(
      c,
      {
        ...UNREACHABLE,
        find: () => packets.find(packet.id),
        append: packets.append,
        remove: packets.remove,
      },
      body,
    )
    if (method === 'PATCH') await requireKept(packets, packet)
    return response
  })
}

/** Of two packets of one registration at the same time only one is kept. */
export async function requireKept(packets: PacketUploads, { id }: StoredPacket): Promise<void> {
  const present = await packets.find(id)
  if (present?.state !== 'deleting') return
  await packets.remove(present)
  throw received()
}

const UNREACHABLE: TusTarget<StoredPacket> = {
  newId: () => '',
  create: () => Promise.reject(unknownPacket()),
  find: () => Promise.reject(unknownPacket()),
  append: () => Promise.reject(unknownPacket()),
  remove: () => Promise.reject(unknownPacket()),
}

function unknownPacket(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such packet')
}
