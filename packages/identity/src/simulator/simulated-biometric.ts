import { type BiometricType, FINGER_SUBTYPES, IRIS_SUBTYPES } from '../biometrics/modality.ts'
import { simulatedFaceImage } from './face-image.ts'
import { encodeTemplate, simulatedTemplate } from './simulated-template.ts'

/** One part of a body. */
export interface BodyPart {
  readonly type: BiometricType
  /** '' for a face. */
  readonly subtype: string
}

/** Ten fingers, two eyes, a face. */
export const BODY_PARTS: readonly BodyPart[] = [
  ...FINGER_SUBTYPES.map((subtype): BodyPart => ({ type: 'Finger', subtype })),
  ...IRIS_SUBTYPES.map((subtype): BodyPart => ({ type: 'Iris', subtype })),
  { type: 'Face', subtype: '' },
]

/**
 * What a sensor would see of a made-up person: for a face a PNG image, otherwise a simulated template.
 *
 * @param person - the person's seed.
 * @param capture - another text gives another capture, with other noise.
 */
export function simulatedBiometric(person: string, { type, subtype }: BodyPart, capture: string): Uint8Array {
  return type === 'Face'
    ? simulatedFaceImage(person, capture)
    : encodeTemplate(simulatedTemplate(person, type, subtype, capture))
}
