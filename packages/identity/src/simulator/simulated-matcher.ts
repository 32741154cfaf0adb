import type { BiometricMatcher, MatchResult } from '../biometrics/biometric-matcher.ts'
import type { Bir } from '../biometrics/bir.ts'
import { type BiometricType, UNKNOWN_SUBTYPE } from '../biometrics/modality.ts'
import { decodeTemplate, distance, encodeTemplate } from './simulated-template.ts'

/**
 * Two captures of one part differ in about 0.16 of the features, two people's in 0.5 ± 0.008: between them
 * nothing is close. The limit is that of iris codes.
 */
const MATCH_DISTANCE = 0.32
/** Two strangers' distance: the score is 0 there. */
const STRANGER_DISTANCE = 0.5
const MAX_SCORE = 100

/**
 * Compares simulated templates and nothing else: a real finger, eye or face never matches. It is there for the
 * demo and for tests, and says so in its name.
 */
export const simulatedMatcher: BiometricMatcher = {
  name: 'simulated matcher (compares simulated templates only)',

  async match(probe, gallery, modalities): Promise<MatchResult> {
    if (modalities.length === 0) throw new TypeError('at least one kind of biometric')
    const distances = modalities.map((type) => distanceOf(type, probe, gallery))
    const worst = Math.max(...distances)
    const score = Math.round(Math.max(0, 1 - worst / STRANGER_DISTANCE) * MAX_SCORE)
    return { score, match: worst <= MATCH_DISTANCE }
  },

  async extract(birs) {
    return birs.map((bir) => {
      const template = decodeTemplate(bir.bdb)
      if (template === undefined) throw new TypeError('the simulated matcher knows simulated biometrics only')
      return { ...bir, level: 'Processed', bdb: encodeTemplate(template) }
    })
  },
}

/** Each probe must find its part on record: of the probes the worst counts, for each probe its best record. */
function distanceOf(type: BiometricType, probe: readonly Bir[], gallery: readonly Bir[]): number {
  const probes = probe.filter((bir) => bir.type === type)
  if (probes.length === 0) return 1
  return Math.max(...probes.map((bir) => Math.min(1, ...gallery.map((known) => distanceTo(bir, known)))))
}

function distanceTo(probe: Bir, known: Bir): number {
  if (known.type !== probe.type || !samePart(probe, known)) return 1
  const [a, b] = [decodeTemplate(probe.bdb), decodeTemplate(known.bdb)]
  return a === undefined || b === undefined || a.type !== b.type ? 1 : distance(a, b)
}

function samePart(probe: Bir, known: Bir): boolean {
  const part = probe.subtypes.join(' ')
  return part === UNKNOWN_SUBTYPE || part === known.subtypes.join(' ')
}
