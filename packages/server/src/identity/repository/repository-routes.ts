import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { VID_TYPES } from '@keyhaven/identity'
import type { FileCategory, IdentityRepository, RepositoryIdType } from '@keyhaven/identity/service'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { MAX_JSON_BODY_BYTES } from '../../platform/http/limit-body.ts'
import type { State } from '../../platform/state/state.ts'
import { admitServices, type MosipCall, type MosipRouteParts, mosipRoutes } from '../mosip-routes.ts'

export const IDENTITY_PATH = '/idrepository/v1/identity'
export const VID_PATH = '/idrepository/v1/vid'

const HEADS = {
  identity: { id: 'mosip.id.read', version: 'v1' },
  createVid: { id: 'mosip.vid.create', version: 'v1' },
  readVid: { id: 'mosip.vid.read', version: 'v1' },
  updateVid: { id: 'mosip.vid.update', version: 'v1' },
} as const
const UIN_DIGITS = 10
/** What of a person MOSIP's `type` asks for. */
const CATEGORIES: Readonly<Record<string, readonly FileCategory[]>> = {
  metadata: [],
  demo: ['Demographics'],
  bio: ['Biometrics'],
  all: ['Demographics', 'Biometrics'],
}
/** MOSIP's (IdRepoErrorConstants). Whoever is blocked is not there. */
const CODES = {
  codes: {
    NOT_FOUND: 'IDR-IDC-007',
    ACCESS_DENIED: 'IDR-IDC-007',
    INPUT_INVALID: 'IDR-IDC-002',
    CONFLICT: 'IDR-VID-003',
  },
} as const

const vidRequest = z.object({ UIN: z.union([z.string(), z.number()]), vidType: z.enum(VID_TYPES) })
const vidUpdate = z.object({ vidStatus: z.literal('REVOKED') })

export interface RepositoryRouteParts extends MosipRouteParts {
  readonly state: State
  readonly applicationId: string
  readonly repository: IdentityRepository
}

/** MOSIP's id-repository for services of the identity system. Each read of a person is audited first. */
export function addRepositoryRoutes(app: OpenAPIHono<AppEnv>, parts: RepositoryRouteParts): void {
  const { state, applicationId, repository } = parts
  const route = mosipRoutes(app, parts, {
    codes: CODES,
    admits: admitServices,
    maxBytes: MAX_JSON_BODY_BYTES,
  })
  const audit = (actor: string, subject: string, type: string) =>
    state.transaction(async (transaction) => {
      const entry = { actor, action: 'identity.record.read', applicationId, subject, detail: { type } }
      state.audit.append(transaction, entry)
    })

  const read = async ({ caller, param, query }: MosipCall) => {
    const id = param('id')
    const idType: RepositoryIdType = id.length === UIN_DIGITS ? 'UIN' : 'VID'
    const type = query('type') ?? 'metadata'
    const categories = CATEGORIES[type]
    if (categories === undefined) throw new KeyhavenError('INPUT_INVALID', 'Invalid Input Parameter - type')
    const { record } = await repository.summary(id, idType)
    await audit(caller.actor, record, type)
    const { identity, files } = await repository.retrieve(id, idType, categories)
    const documents = files.map(({ field, bytes }) => ({ category: field, value: toBase64url(bytes) }))
    return { status: 'ACTIVATED', identity, documents, verifiedAttributes: null }
  }
  route('get', `${IDENTITY_PATH}/idvid/:id`, read, HEADS.identity)
  route('get', `${IDENTITY_PATH}/:id`, read, HEADS.identity)

  route(
    'post',
    VID_PATH,
    async ({ caller, request }) => {
      const { UIN, vidType } = request(vidRequest)
      const { vid, status } = await repository.createVid(String(UIN), vidType, caller.actor)
      return { VID: vid, vidStatus: status }
    },
    HEADS.createVid,
  )
  route(
    'get',
    `${VID_PATH}/:vid`,
    async ({ caller, param }) => {
      const { record } = await repository.summary(param('vid'), 'VID')
      await audit(caller.actor, record, 'uin')
      return { UIN: (await repository.retrieve(param('vid'), 'VID')).uin }
    },
    HEADS.readVid,
  )
  route(
    'patch',
    `${VID_PATH}/:vid`,
    async ({ caller, param, request }) => {
      request(vidUpdate)
      const { status } = await repository.revokeVid(param('vid'), caller.actor)
      return { vidStatus: status }
    },
    HEADS.updateVid,
  )
}
