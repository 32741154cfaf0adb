import { refuse } from './ida-refusal.ts'
import { partnerSubject } from './subject-names.ts'

/** Failures within one window, after which nothing more is tried for its rest. */
export const FAILURE_WINDOW_MINUTES = 15
/** Of one person, at all partners together. */
export const PERSON_FAILURES = 10
/** Of one partner, with all people together: many more is how ids are tried out. */
export const PARTNER_FAILURES = 1_000
/** One-time passwords that one person is sent within a window. */
export const PERSON_OTPS = 5
/** One-time passwords that one partner has sent, to all people together. */
export const PARTNER_OTPS = 5_000

/** How many failures a subject of {@link AuthenticationStore} may have. */
export function limitOf(subject: string): number {
  if (subject.startsWith(partnerSubject(''))) return PARTNER_FAILURES
  if (subject.startsWith(otpSubject(partnerSubject('')))) return PARTNER_OTPS
  return subject.startsWith(OTP_PREFIX) ? PERSON_OTPS : PERSON_FAILURES
}

const OTP_PREFIX = 'otp:'

/** @param subject - person or partner: under which the passwords that are sent to, or for, it are counted. */
export function otpSubject(subject: string): string {
  return `${OTP_PREFIX}${subject}`
}

/**
 * Counts what is under way beside what is stored, so that a hundred guesses at once are not one. Each process
 * counts its own.
 */
export interface AttemptLimits {
  /**
   * Passes a reading of stored failures on. What it may have missed, because it was stored meanwhile, stays under
   * way until {@link begin} has been called with it.
   */
  reading<T>(failures: Promise<T>): Promise<T>
  /**
   * To be called at once with what was {@link reading | read}.
   *
   * @param failures - stored, of each subject.
   * @returns what ends the attempt; to be called when its failure is stored.
   * @throws IdaRefusal if a subject has no attempt left.
   */
  begin(subjects: readonly string[], failures: readonly number[], types: readonly string[]): () => void
}

export function createAttemptLimits(): AttemptLimits {
  const underWay = new Map<string, number>()
  const readings = new Set<Promise<unknown>>()
  const end = (subjects: readonly string[]): void => {
    for (const subject of subjects) {
      const left = (underWay.get(subject) ?? 1) - 1
      if (left === 0) underWay.delete(subject)
      else underWay.set(subject, left)
    }
  }
  return {
    reading(failures) {
      readings.add(failures)
      const done = () => void readings.delete(failures)
      failures.then(done, done)
      return failures
    },
    begin(subjects, failures, types) {
      subjects.forEach((subject, at) => {
        if ((failures[at] ?? 0) + (underWay.get(subject) ?? 0) < limitOf(subject)) return
        if (subject.startsWith(OTP_PREFIX)) throw refuse('OTP_FLOODED')
        throw subject.startsWith(partnerSubject(''))
          ? refuse('UNABLE_TO_PROCESS')
          : refuse('AUTH_LOCKED', types.join(', '))
      })
      for (const subject of subjects) underWay.set(subject, (underWay.get(subject) ?? 0) + 1)
      return () => void Promise.allSettled(readings).then(() => end(subjects))
    },
  }
}
