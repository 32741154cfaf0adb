import type { Bir } from './bir.ts'
import type { BiometricType } from './modality.ts'

/** The answer to "is it the same person?" */
export interface MatchResult {
  /** 0 to 100: of the kind of biometric that fits worst. */
  readonly score: number
  /** Whether every kind that was asked for fits. */
  readonly match: boolean
}

/** Compares biometrics: MOSIP's Bio-SDK service, or the built-in one for simulated templates. */
export interface BiometricMatcher {
  /** Shown wherever a person sees results of it; the simulated one says so in it. */
  readonly name: string
  /**
   * One person's fresh biometrics with those on record. A kind that either side lacks does not match.
   *
   * @param modalities - the kinds that must all match; at least one.
   */
  match(
    probe: readonly Bir[],
    gallery: readonly Bir[],
    modalities: readonly BiometricType[],
  ): Promise<MatchResult>
  /** Makes templates of images. */
  extract(birs: readonly Bir[], what: 'template'): Promise<readonly Bir[]>
}
