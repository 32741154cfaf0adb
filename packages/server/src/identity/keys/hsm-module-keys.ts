import { AEAD_NONCE_BYTES, backend, openFailed, Writer } from '@keyhaven/crypto'
import {
  type AesModuleKey,
  type KeyName,
  keyNameText,
  type ModuleKeyHandle,
  type ModuleKeyKind,
  type ModuleKeys,
  type Profile,
  type RsaModuleKey,
} from '@keyhaven/identity'
import {
  findHsmAesKey,
  findHsmRsaKey,
  type HsmAesKey,
  type HsmRsaKey,
  makeHsmAesKey,
  makeHsmRsaKey,
} from '../../platform/hsm/hsm-keys.ts'
import type { HsmToken } from '../../platform/hsm/open-hsm-token.ts'
import { lockStateHead } from '../../platform/state/commit-effects.ts'
import type { State } from '../../platform/state/state.ts'

const WRAPPED_BYTES = 32

/** Root, module and master keys in an HSM: made there, used there, never outside. */
export function createHsmModuleKeys(
  state: State,
  token: HsmToken,
  applicationId: string,
  profile: Profile,
): ModuleKeys {
  const handles = new Map<string, Promise<ModuleKeyHandle>>()

  const find = async (kind: ModuleKeyKind, label: string): Promise<ModuleKeyHandle | undefined> => {
    if (kind === 'aes-256') {
      const key = await findHsmAesKey(token, label)
      return key && aesHandle(key)
    }
    const key = await findHsmRsaKey(token, label)
    return key && rsaHandle(key)
  }

  const make = async (kind: ModuleKeyKind, label: string): Promise<ModuleKeyHandle> =>
    kind === 'aes-256'
      ? aesHandle(await makeHsmAesKey(token, label))
      : rsaHandle(await makeHsmRsaKey(token, label))

  /** A token may hold two keys of one name, so that whoever makes one holds the database's one lock. */
  const open = async (kind: ModuleKeyKind, label: string): Promise<ModuleKeyHandle> => {
    const found = await find(kind, label)
    if (found !== undefined) return found
    return state.transaction(async ({ db }) => {
      await lockStateHead(db, state.dialect)
      return (await find(kind, label)) ?? (await make(kind, label))
    })
  }

  const ensure = (name: KeyName, kind: ModuleKeyKind, generation: number): Promise<ModuleKeyHandle> => {
    const label = `keyhaven/${applicationId}/${profile}/${keyNameText(name)}/${generation}`
    const known = handles.get(label)
    if (known !== undefined) return known
    const opened = open(kind, label)
    handles.set(label, opened)
    opened.catch(() => handles.delete(label))
    return opened
  }

  return { name: 'pkcs11', ensure: ensure as ModuleKeys['ensure'] }
}

async function rsaHandle(key: HsmRsaKey): Promise<RsaModuleKey> {
  const publicKey = await backend.rsa.importPublicKey(key.spki)
  return { kind: 'rsa-2048', publicKey, sign: key.sign, decryptOaep: key.decryptOaep }
}

function aesHandle(key: HsmAesKey): AesModuleKey {
  const ecb = (direction: 'encrypt' | 'decrypt', bytes: Uint8Array) => {
    if (bytes.length !== WRAPPED_BYTES) throw new TypeError(`a wrapped key has ${WRAPPED_BYTES} bytes`)
    return key.ecb(direction, bytes)
  }
  return {
    kind: 'aes-256',
    wrapEcb: (bytes) => ecb('encrypt', bytes),
    unwrapEcb: (bytes) => ecb('decrypt', bytes),
    async wrap(bytes, aad) {
      const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
      return new Writer()
        .bytes(nonce)
        .bytes(await key.seal(nonce, bytes, aad))
        .done()
    },
    async unwrap(wrapped, aad) {
      if (wrapped.length <= AEAD_NONCE_BYTES) throw openFailed()
      return key.open(wrapped.subarray(0, AEAD_NONCE_BYTES), wrapped.subarray(AEAD_NONCE_BYTES), aad)
    },
  }
}
