import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import { mosipErrors, mosipResponse, readEnvelope, VID_TYPES } from '@keyhaven/identity'
import type { FileCategory, IdentityRepository, RepositoryIdType } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import type { AdminEnv } from '../../platform/auth/principal.ts'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody, MAX_JSON_BODY_BYTES } from '../../platform/http/limit-body.ts'
import type { State } from '../../platform/state/state.ts'
import { createTokenGuard, type TokenGuardParts } from '../token-guard.ts'

export const IDENTITY_PATH = '/idrepository/v1/identity'
export const VID_PATH = '/idrepository/v1/vid'

const IDENTITY_HEAD = { id: 'mosip.id.read', version: 'v1' }
const VID_HEAD = { id: 'mosip.vid.create', version: 'v1' }
const UIN_DIGITS = 10
/** What of a person MOSIP's `type` asks for. */
const CATEGORIES: Readonly<Record<string, readonly FileCategory[]>> = {
  metadata: [],
  demo: ['Demographics'],
  bio: ['Biometrics'],
  all: ['Demographics', 'Biometrics'],
}
/** MOSIP's codes (IdRepoErrorConstants). */
const ERRORS: Partial<Record<KeyhavenError['code'], string>> = {
  NOT_FOUND: 'IDR-IDC-007',
  ACCESS_DENIED: 'IDR-IDC-007',
  INPUT_INVALID: 'IDR-IDC-002',
  CONFLICT: 'IDR-VID-003',
}

export interface RepositoryRouteParts extends TokenGuardParts {
  readonly state: State
  readonly applicationId: string
  readonly repository: IdentityRepository
}

/** MOSIP's id-repository for services of the identity system. Each read of a person is audited first. */
export function addRepositoryRoutes(app: OpenAPIHono<AppEnv>, parts: RepositoryRouteParts): void {
  const { state, applicationId, repository, clock } = parts
  const router = app as unknown as OpenAPIHono<AdminEnv>
  const guard = createTokenGuard(parts)('use-identity-keys')
  const limit = limitBody(MAX_JSON_BODY_BYTES)
  router.use(`${IDENTITY_PATH}/*`, ...guard)
  router.use(`${VID_PATH}/*`, ...guard)

  const answer = async (
    c: Context<AdminEnv>,
    head: { id: string; version: string },
    work: () => Promise<object>,
  ) => {
    try {
      return c.json(mosipResponse(await work(), clock(), head))
    } catch (error) {
      const errorCode = error instanceof KeyhavenError ? ERRORS[error.code] : undefined
      if (errorCode === undefined) throw error
      return c.json(mosipErrors([{ errorCode, message: (error as KeyhavenError).message }], clock(), head))
    }
  }
  const audit = (actor: string, subject: string, type: string) =>
    state.transaction(async (transaction) => {
      const entry = { actor, action: 'identity.record.read', applicationId, subject, detail: { type } }
      state.audit.append(transaction, entry)
    })

  const read = (c: Context<AdminEnv>) =>
    answer(c, IDENTITY_HEAD, async () => {
      const id = c.req.param('id') ?? ''
      const idType: RepositoryIdType = id.length === UIN_DIGITS ? 'UIN' : 'VID'
      const type = c.req.query('type') ?? 'metadata'
      const categories = CATEGORIES[type]
      if (categories === undefined) throw new KeyhavenError('INPUT_INVALID', 'Invalid Input Parameter - type')
      const { record } = await repository.summary(id, idType)
      await audit(c.var.principal.actor, record, type)
      const { identity, files } = await repository.retrieve(id, idType, categories)
      const documents = files.map(({ field, bytes }) => ({ category: field, value: toBase64url(bytes) }))
      return { status: 'ACTIVATED', identity, documents, verifiedAttributes: null }
    })
  router.get(`${IDENTITY_PATH}/idvid/:id`, read)
  router.get(`${IDENTITY_PATH}/:id`, read)

  router.post(VID_PATH, limit, (c) =>
    answer(c, VID_HEAD, async () => {
      const { UIN, vidType } = await requestOf(c)
      const type = VID_TYPES.find((one) => one === vidType)
      if (type === undefined) throw new KeyhavenError('INPUT_INVALID', 'Invalid Input Parameter - vidType')
      const made = await repository.createVid(String(UIN), type, c.var.principal.actor)
      return { VID: made.vid, vidStatus: made.status }
    }),
  )
  router.get(`${VID_PATH}/:vid`, (c) =>
    answer(c, { ...VID_HEAD, id: 'mosip.vid.read' }, async () => {
      const vid = c.req.param('vid')
      const { record } = await repository.summary(vid, 'VID')
      await audit(c.var.principal.actor, record, 'uin')
      return { UIN: (await repository.retrieve(vid, 'VID')).uin }
    }),
  )
  router.patch(`${VID_PATH}/:vid`, limit, (c) =>
    answer(c, { ...VID_HEAD, id: 'mosip.vid.update' }, async () => {
      const { vidStatus } = await requestOf(c)
      if (vidStatus !== 'REVOKED')
        throw new KeyhavenError('INPUT_INVALID', 'Invalid Input Parameter - vidStatus')
      const { status } = await repository.revokeVid(c.req.param('vid'), c.var.principal.actor)
      return { vidStatus: status }
    }),
  )
}

async function requestOf(c: Context<AdminEnv>): Promise<Readonly<Record<string, unknown>>> {
  const envelope = readEnvelope(await c.req.json().catch(() => undefined))
  if (envelope === undefined) throw new KeyhavenError('INPUT_INVALID', 'Invalid Input Parameter - request')
  return envelope.request as Record<string, unknown>
}
