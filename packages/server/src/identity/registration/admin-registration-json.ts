import { z } from '@hono/zod-openapi'
import { REGISTRATION_STAGES, VID_TYPES } from '@keyhaven/identity'
import type { IdentitySummary, VidSummary } from '@keyhaven/identity/service'
import { timeSchema } from '../../platform/http/schemas.ts'
import type { DeadJob, QueueProgress } from '../../platform/jobs/job.ts'
import type { KeptSchema } from './id-schemas.ts'
import type { Centre, Machine, Officer } from './stations.ts'

type NumberedVid = VidSummary & { readonly vid: string }

const time = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))

export const stageSchema = z.enum(REGISTRATION_STAGES)

export const registrationSchema = z
  .object({
    rid: z.string(),
    refId: z.string().openapi({ description: 'Centre and machine' }),
    stage: stageSchema,
    reason: z.string().nullable().openapi({ description: 'Of a rejection: the check that failed' }),
    attempt: z.int().openapi({ description: 'Packets so far' }),
    packetBytes: z.int(),
    packetHash: z.string().openapi({ description: 'SHA-256, hex' }),
    officer: z.string().nullable(),
    receipt: z.string().nullable().openapi({ description: 'Compact JWS of the processor' }),
    receivedAt: timeSchema,
    changedAt: timeSchema,
  })
  .openapi('Registration')

export const registrationDetailSchema = registrationSchema
  .extend({
    history: z.array(z.object({ stage: stageSchema, reason: z.string().nullable(), at: timeSchema })),
  })
  .openapi('RegistrationDetail')

export const countsSchema = z.object({ counts: z.record(stageSchema, z.int()) }).openapi('RegistrationCounts')

export const identitySchema = z
  .object({
    record: z.string().openapi({ description: 'Id in the repository; not the UIN' }),
    status: z.enum(['RESERVED', 'ACTIVATED', 'BLOCKED', 'DEACTIVATED']),
    version: z.int(),
    createdAt: timeSchema,
    changedAt: timeSchema,
  })
  .openapi('IdentityRecord')

export const vidSchema = z
  .object({
    vid: z.string(),
    type: z.enum(VID_TYPES),
    status: z.enum(['ACTIVE', 'REVOKED', 'EXPIRED']),
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable(),
    transactionLimit: z
      .int()
      .nullable()
      .openapi({ description: 'Authentications at each IDA, which counts them' }),
  })
  .openapi('Vid')

export const keptSchemaSchema = z
  .object({ version: z.number(), fields: z.int(), addedAt: timeSchema, addedBy: z.string() })
  .openapi('IdSchema')

export const centreSchema = z
  .object({ id: z.string(), name: z.string(), createdAt: timeSchema, closedAt: timeSchema.nullable() })
  .openapi('RegistrationCentre')

export const machineSchema = z
  .object({
    centre: z.string(),
    id: z.string(),
    keyIndex: z.string().openapi({ description: 'SHA-256 of its public key, with colons' }),
    createdAt: timeSchema,
    endedAt: timeSchema.nullable(),
  })
  .openapi('RegistrationMachine')

export const officerSchema = z
  .object({ officer: z.string(), since: timeSchema, until: timeSchema.nullable(), addedBy: z.string() })
  .openapi('RegistrationOfficer')

export const queueSchema = z
  .object({
    queue: z.string(),
    waiting: z.int(),
    running: z.int(),
    dead: z.int(),
    oldestAt: timeSchema.nullable(),
  })
  .openapi('JobQueue')

export const deadJobSchema = z
  .object({
    id: z.string(),
    queue: z.string(),
    payload: z.record(z.string(), z.union([z.string(), z.number()])),
    attempts: z.int(),
    failure: z.string(),
    createdAt: timeSchema,
    diedAt: timeSchema,
  })
  .openapi('DeadJob')

export function keptSchemaJson({ addedAt, ...schema }: KeptSchema) {
  return { ...schema, addedAt: time(addedAt) }
}

export function identityJson({ record, status, version, createdAt, changedAt }: IdentitySummary) {
  return { record, status, version, createdAt: time(createdAt), changedAt: time(changedAt) }
}

export function vidJson({ vid, type, status, createdAt, expiresAt, transactionLimit }: NumberedVid) {
  return {
    ...{ vid, type, status, transactionLimit },
    ...{ createdAt: time(createdAt), expiresAt: timeOrNull(expiresAt) },
  }
}

export function centreJson({ id, name, createdAt, closedAt }: Centre) {
  return { id, name, createdAt: time(createdAt), closedAt: timeOrNull(closedAt) }
}

export function machineJson({ centre, id, keyIndex, createdAt, endedAt }: Machine) {
  return { centre, id, keyIndex, createdAt: time(createdAt), endedAt: timeOrNull(endedAt) }
}

export function officerJson({ officer, since, until, addedBy }: Officer) {
  return { officer, since: time(since), until: timeOrNull(until), addedBy }
}

export function queueJson({ oldestAt, ...rest }: QueueProgress) {
  return { ...rest, oldestAt: timeOrNull(oldestAt) }
}

export function deadJobJson({ id, queue, payload, attempts, failure, createdAt, diedAt }: DeadJob) {
  return { id, queue, payload, attempts, failure, createdAt: time(createdAt), diedAt: time(diedAt) }
}
