import { z } from '@hono/zod-openapi'
import { encodeKeyConfig } from '@keyhaven/channel/gateway'
import type { Jwk } from '@keyhaven/crypto'
import {
  AEAD_IDS,
  backend,
  jwkThumbprint,
  KDF_HKDF_SHA256,
  kemPublicKeyToJwk,
  toBase64url,
} from '@keyhaven/crypto'
import type { ManagedE2eKey } from '@keyhaven/keys'
import { suiteNameSchema, suiteSchema } from '../applications/suite-schema.ts'
import { timeSchema } from '../platform/http/schemas.ts'

export const keyStateSchema = z.enum(['pending', 'active', 'retiring', 'revoked'])

export const e2eKeySchema = z
  .object({
    id: z.uuid(),
    keyId: z.int().min(0).max(255),
    applicationId: z.string(),
    suite: suiteSchema,
    suiteName: suiteNameSchema,
    state: keyStateSchema,
    publicKey: z.string().openapi({ description: 'As HPKE serialises it, base64url' }),
    jwk: z.record(z.string(), z.string()).openapi({ description: 'The public key as a JWK' }),
    keyConfig: z.string().openapi({ description: 'OHTTP key configuration (RFC 9458 §3.1), base64url' }),
    thumbprint: z.string().openapi({ description: 'RFC 7638, SHA-256, base64url' }),
    createdAt: timeSchema,
    activateAt: timeSchema.nullable(),
    activatedAt: timeSchema.nullable(),
    retiringAt: timeSchema.nullable(),
    endAt: timeSchema.nullable(),
    revokedAt: timeSchema.nullable(),
    lastUsedAt: timeSchema.nullable(),
    history: z.array(
      z.object({ state: keyStateSchema, at: timeSchema, actor: z.string(), reason: z.string().nullable() }),
    ),
  })
  .openapi('E2eKey')

/** @param lastUsedAt - milliseconds, null if it was never used. */
export async function e2eKeyJson(
  key: ManagedE2eKey,
  lastUsedAt: number | null,
): Promise<z.infer<typeof e2eKeySchema>> {
  const { kem, aead } = key.suite
  const jwk = kemPublicKeyToJwk({ kem, bytes: key.publicKey })
  const keyConfig = encodeKeyConfig({
    keyId: key.keyId,
    kem,
    publicKey: key.publicKey,
    symmetric: [{ kdf: KDF_HKDF_SHA256, aead: AEAD_IDS[aead] }],
  })
  return {
    id: key.id,
    keyId: key.keyId,
    applicationId: key.applicationId,
    suite: { kem, aead },
    suiteName: kem,
    state: key.state,
    publicKey: toBase64url(key.publicKey),
    jwk: textMembers(jwk),
    keyConfig: toBase64url(keyConfig),
    thumbprint: await jwkThumbprint(backend, jwk),
    createdAt: iso(key.createdAt),
    activateAt: isoOrNull(key.activateAt),
    activatedAt: isoOrNull(key.activatedAt),
    retiringAt: isoOrNull(key.retiringAt),
    endAt: isoOrNull(key.endAt),
    revokedAt: isoOrNull(key.revokedAt),
    lastUsedAt: isoOrNull(lastUsedAt),
    history: key.history.map((step) => ({ ...step, at: iso(step.at) })),
  }
}

function textMembers(jwk: Jwk): Record<string, string> {
  return Object.fromEntries(
    Object.entries(jwk).filter((member): member is [string, string] => typeof member[1] === 'string'),
  )
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : iso(time)
}
