import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError } from '@keyhaven/crypto'
import { MAX_PACKET_BYTES, mosipErrors, mosipResponse, parsePacketFileName } from '@keyhaven/identity'
import type { StoredRegistration } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import { MAX_PATCH_BYTES, type TusTarget, tusAnswer } from '../../files/tus-answer.ts'
import { createUploadLocks } from '../../files/upload-locks.ts'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { problemResponse } from '../../platform/http/problem.ts'
import { createTokenGuard, type TokenGuardParts } from '../token-guard.ts'
import type { PacketUploads, StoredPacket } from './packet-uploads.ts'
import { type Registrations, received } from './registrations.ts'

export const MOSIP_RECEIVER_PATH = '/registrationprocessor/v1/packetreceiver/registrationpackets'
export const PACKETS_PATH = '/v1/identity/packets'
export const REGISTRATIONS_PATH = '/v1/identity/registrations'
/** Behind it `centre_machine`. */
export const MACHINES_PATH = '/v1/identity/machines'
/** Name of the packet that an upload brings: `<RID>-<centre_machine>-<yyyyMMddHHmmss>.zip`. */
export const PACKET_HEADER = 'keyhaven-packet'

/** What a multipart body has beside the packet. */
const MULTIPART_OVERHEAD_BYTES = 65_536
/** As MOSIP's packet receiver answers. */
const RECEIVER_HEAD = { id: 'mosip.registration.packet', version: '1.0' }
const NO_BODY = new Uint8Array(0)
const REFUSED_HEADERS = ['upload-metadata', 'upload-concat', 'upload-defer-length', 'x-http-method-override']
/** MOSIP's codes (PlatformErrorMessages); a client takes the first for "has arrived". */
const RECEIVER_ERRORS: Partial<Record<KeyhavenError['code'], string>> = {
  DUPLICATE: 'RPR-PKR-005',
  PACKET_INVALID: 'RPR-PKR-003',
  INPUT_INVALID: 'RPR-PKR-003',
  WIRE_TOO_LARGE: 'RPR-PKR-002',
}

export interface RegistrationRouteParts extends TokenGuardParts {
  readonly registrations: Registrations
}

/** Packets in, for registration clients with a token; and how far a registration is. */
export function addRegistrationRoutes(app: OpenAPIHono<AppEnv>, parts: RegistrationRouteParts): void {
  const { registrations, clock } = parts
  const { packets } = registrations
  const locks = createUploadLocks()
  const guard = createTokenGuard(parts)
  const manages = guard('manage-registrations')
  // The router's variables are those of an operator from here on.
  const router = app as unknown as OpenAPIHono<AdminEnv>

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

  router.post(PACKETS_PATH, async (c) => {
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

  router.get(`${MACHINES_PATH}/:machine`, ...manages, async (c) =>
    c.json(await registrations.stationKeys(c.req.param('machine')), 200, { 'cache-control': 'no-store' }),
  )

  router.get(`${REGISTRATIONS_PATH}/:rid`, ...guard('read-registrations'), async (c) => {
    const rid = c.req.param('rid')
    const registration = await registrations.find(rid)
    if (registration === undefined) {
      return problemResponse('NOT_FOUND', { detail: 'There is no such registration.' })
    }
    const history = await registrations.history(rid)
    return c.json({ ...registrationJson(registration), history: history.map(eventJson) }, 200, {
      'cache-control': 'no-store',
    })
  })
}

/** What anybody who may see it sees of a registration: nothing of the person. */
export function registrationJson(registration: StoredRegistration) {
  const { rid, refId, stage, reason, attempt, packetBytes, packetHash, officer, receipt } = registration
  return {
    ...{ rid, refId, stage, reason, attempt, packetBytes, packetHash, officer, receipt },
    receivedAt: new Date(registration.receivedAt).toISOString(),
    changedAt: new Date(registration.changedAt).toISOString(),
  }
}

export function eventJson({ stage, reason, at }: { stage: string; reason: string | null; at: number }) {
  return { stage, reason, at: new Date(at).toISOString() }
}

const UNREACHABLE: TusTarget<StoredPacket> = {
  newId: () => '',
  create: () => Promise.reject(unknownPacket()),
  find: () => Promise.reject(unknownPacket()),
  append: () => Promise.reject(unknownPacket()),
  remove: () => Promise.reject(unknownPacket()),
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

/** Of two packets of one registration at the same time only one is kept. */
async function requireKept(packets: PacketUploads, { id }: StoredPacket): Promise<void> {
  const present = await packets.find(id)
  if (present?.state !== 'deleting') return
  await packets.remove(present)
  throw received()
}

function unknownPacket(): KeyhavenError {
  return new KeyhavenError('NOT_FOUND', 'there is no such packet')
}
