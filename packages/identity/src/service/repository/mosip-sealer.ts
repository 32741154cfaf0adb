import { type CryptoBackend, fromUtf8, openFailed, toBase64url, utf8 } from '@keyhaven/crypto'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import { fromAnyBase64 } from '../../mosip/base64.ts'
import { saltedDigest, upperHexDigest } from '../../mosip/digest.ts'
import { openHybrid, sealLayoutA, sealLayoutC } from '../../mosip/hybrid.ts'
import type { RecordSealer } from './ports.ts'

/** Rows of each table of salts; which one an id takes: its last three digits (`getSaltKeyForId`). */
export const UIN_SALTS = 1_000
const SALT_KEY_DIGITS = 3
/** ID_REPO / …: K7.4, K7.3, K7.1 and K7.2. */
const UIN_KEY = 'uin'
const IDENTITY_KEY = 'identity_data'
const FILE_KEYS = { Demographics: 'demographic_data', Biometrics: 'biometric_data' } as const

/** Two salts of one row, standard Base64 of 16 random bytes each. */
export interface UinSalt {
  /** Hashed as it stands, as text. */
  readonly hashSalt: string
  /** Decoded, it is the IV of layout A. */
  readonly encryptSalt: string
}

/** Base keys of the module ID_REPO. */
export type RepositoryKeys = Pick<IdentityKeys, 'recipient' | 'opener'>

/**
 * Profile `mosip`, byte for byte what MOSIP's id-repository keeps. UINs can be guessed from their hashes by
 * whoever has the salts: ten digits are few.
 *
 * @param salts - the table of salts; the same for ever, or nobody is found again.
 */
export function createMosipSealer(
  backend: CryptoBackend,
  keys: RepositoryKeys,
  salts: () => Promise<readonly UinSalt[]>,
): RecordSealer {
  const nameOf = (refId: string) => ({ appId: 'ID_REPO' as const, refId })
  const saltOf = async (modulo: number) => (await salts())[modulo]!

  const seal = async (refId: string, plaintext: Uint8Array): Promise<Uint8Array> => {
    const sealed = await sealLayoutC(backend, await keys.recipient(nameOf(refId)), plaintext)
    return utf8(toBase64url(sealed))
  }
  const open = (refId: string, sealed: Uint8Array) =>
    openHybrid(
      backend,
      keys.opener(nameOf(refId)),
      decodeText(() => fromUtf8(sealed)),
    )

  return {
    async tag(id) {
      const modulo = moduloOf(id)
      const { hashSalt } = await saltOf(modulo)
      return `${modulo}_${await saltedDigest(utf8(id), utf8(hashSalt))}`
    },
    async sealId(_record, _place, id) {
      const modulo = moduloOf(id)
      const iv = fromAnyBase64((await saltOf(modulo)).encryptSalt)
      const to = await keys.recipient(nameOf(UIN_KEY))
      return `${modulo}_${toBase64url(await sealLayoutA(backend, to, utf8(id), iv))}`
    },
    async openId(_record, _place, sealed) {
      const [modulo, text] = splitModulo(sealed)
      const iv = fromAnyBase64((await saltOf(modulo)).encryptSalt)
      const opener = keys.opener(nameOf(UIN_KEY))
      return fromUtf8(
        await openHybrid(
          backend,
          opener,
          decodeText(() => text),
          { iv },
        ),
      )
    },
    sealIdentity: (_record, _version, json) => seal(IDENTITY_KEY, json),
    openIdentity: (_record, _version, sealed) => open(IDENTITY_KEY, sealed),
    sealFile: (_record, { category }, bytes) => seal(FILE_KEYS[category], bytes),
    openFile: (_record, { category }, sealed) => open(FILE_KEYS[category], sealed),
    digest: (_record, plaintext) => upperHexDigest(plaintext),
    folder: ({ tag }) => splitModulo(tag)[1],
  }
}

/** What does not even decode is refused like what does not open. */
function decodeText(text: () => string): Uint8Array {
  try {
    return fromAnyBase64(text())
  } catch {
    throw openFailed()
  }
}

function moduloOf(id: string): number {
  return Number(id.slice(-SALT_KEY_DIGITS))
}

function splitModulo(text: string): [number, string] {
  const at = text.indexOf('_')
  return [Number(text.slice(0, at)), text.slice(at + 1)]
}
