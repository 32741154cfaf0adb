import { utf8, Writer } from '@keyhaven/crypto'
import type { KeyName } from '../../keys/key-name.ts'
import type { Profile } from '../../profile.ts'

const LABEL = utf8('keyhaven identity key')

/**
 * What a base key's private part is bound to, beside its parent's key: MOSIP binds it to nothing, `keyhaven`
 * to its application, name and generation.
 */
export function keyAtRestContext(
  profile: Profile,
  applicationId: string,
  { appId, refId }: KeyName,
  generation: number,
): Uint8Array | undefined {
  if (profile === 'mosip') return undefined
  return new Writer()
    .bytes8(LABEL)
    .bytes8(utf8(applicationId))
    .bytes8(utf8(appId))
    .bytes8(utf8(refId))
    .u32(generation)
    .done()
}
