import { z } from '@hono/zod-openapi'
import type { HpkeSuite } from '@keyhaven/crypto'
import { SUITE_AEADS, SUITE_KEMS } from '@keyhaven/keys'

const DEFAULT_AEAD = 'aes-256-gcm'

const kemSchema = z.enum([...SUITE_KEMS] as ['x-wing', 'x25519', 'p-256'])
const aeadSchema = z.enum([...SUITE_AEADS] as ['aes-256-gcm', 'aes-128-gcm', 'chacha20-poly1305'])

export const suiteNameSchema = kemSchema

export const suiteSchema = z.object({ kem: kemSchema, aead: aeadSchema }).openapi('Suite')

/** A whole suite, or only its KEM. */
export const suiteInputSchema = z.union([suiteSchema, kemSchema]).openapi('SuiteInput', {
  description: 'A suite, or the name of its KEM: then the AEAD is aes-256-gcm',
})

export function suiteOfInput(input: z.infer<typeof suiteInputSchema> | undefined): HpkeSuite | undefined {
  return typeof input === 'string' ? { kem: input, aead: DEFAULT_AEAD } : input
}
