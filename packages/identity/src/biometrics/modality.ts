/** Kinds of biometrics, as `BDBInfo/Type` of CBEFF spells them (ISO/IEC 19785-3). */
export const BIOMETRIC_TYPES = ['Finger', 'Iris', 'Face'] as const
export type BiometricType = (typeof BIOMETRIC_TYPES)[number]

/** Body parts of each kind, as MOSIP spells them in `BDBInfo/Subtype` and in a capture's `bioSubType`. */
export const FINGER_SUBTYPES = [
  'Left IndexFinger',
  'Left MiddleFinger',
  'Left RingFinger',
  'Left LittleFinger',
  'Left Thumb',
  'Right IndexFinger',
  'Right MiddleFinger',
  'Right RingFinger',
  'Right LittleFinger',
  'Right Thumb',
] as const
export const IRIS_SUBTYPES = ['Left', 'Right'] as const
/** What a device says that does not know which finger or eye it saw. */
export const UNKNOWN_SUBTYPE = 'UNKNOWN'

/** BDB format numbers of ISO/IEC JTC 1/SC 37 (owner 257) that MOSIP writes into `BDBInfo/Format/Type`. */
export const BDB_FORMATS: Readonly<Record<BiometricType, number>> = { Finger: 7, Face: 8, Iris: 9 }

/** Names of the body parts in an ID schema's `bioAttributes` and in a packet's meta information. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  'Finger Left IndexFinger': 'leftIndex',
  'Finger Left MiddleFinger': 'leftMiddle',
  'Finger Left RingFinger': 'leftRing',
  'Finger Left LittleFinger': 'leftLittle',
  'Finger Left Thumb': 'leftThumb',
  'Finger Right IndexFinger': 'rightIndex',
  'Finger Right MiddleFinger': 'rightMiddle',
  'Finger Right RingFinger': 'rightRing',
  'Finger Right LittleFinger': 'rightLittle',
  'Finger Right Thumb': 'rightThumb',
  'Iris Left': 'leftEye',
  'Iris Right': 'rightEye',
}

/**
 * The body part as an ID schema names it.
 *
 * @returns undefined for a finger or an eye that is not known.
 */
export function bioAttributeOf(type: BiometricType, subtypes: readonly string[]): string | undefined {
  return type === 'Face' ? 'face' : ATTRIBUTES[`${type} ${subtypes.join(' ')}`]
}

export function isBiometricType(text: unknown): text is BiometricType {
  return (BIOMETRIC_TYPES as readonly unknown[]).includes(text)
}

/** Whether MOSIP has such a part; a face has none. */
export function isSubtypeOf(type: BiometricType, subtype: string): boolean {
  if (type === 'Face') return subtype === ''
  if (subtype === UNKNOWN_SUBTYPE) return true
  return ((type === 'Finger' ? FINGER_SUBTYPES : IRIS_SUBTYPES) as readonly string[]).includes(subtype)
}
