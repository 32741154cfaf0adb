import { type KeyName, keyNameText, type Profile } from '@keyhaven/identity'
import type { WrapContext } from '@keyhaven/keys'

/** What a root, module or master key is bound to where it is wrapped by the master keyring. */
export function moduleKeyContext(
  applicationId: string,
  profile: Profile,
  name: KeyName,
  generation: number,
): WrapContext {
  const id = `${profile}/${keyNameText(name)}/${generation}`
  return { purpose: 'identity-module-key', applicationId, id }
}
