import type { ConfirmationSubject } from '../parts/confirmation.ts'

/** Longer, or with signs that a keyboard does not have, a name is no help as something to type. */
const TYPEABLE_NAME = /^[\p{L}\p{N}\p{P} ]{1,40}$/u

/** What has to be typed to confirm: the device's name, or its id where the name cannot be typed. */
export function deviceSubject({
  name,
  device,
}: {
  readonly name: string
  readonly device: string
}): ConfirmationSubject {
  const typeable = TYPEABLE_NAME.test(name) && name.trim() !== ''
  return typeable ? { kind: 'device', id: name.trim(), what: 'name' } : { kind: 'device', id: device }
}
