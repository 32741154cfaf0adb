/** What stands behind a typed id, such as key 12, or behind a typed name. */
export interface ConfirmationSubject {
  /** What it is, in one word. */
  readonly kind: string
  readonly id: string
  /** Which of its properties is typed. Default: its id. */
  readonly what?: 'name' | 'id'
}

/** What a person fills in before something that cannot be undone. */
export interface ConfirmationDraft {
  /** The subject's id or name, typed by hand. */
  readonly id: string
  readonly reason: string
  /** Asked for only where more is at stake. */
  readonly consent: boolean
}

export const EMPTY_CONFIRMATION: ConfirmationDraft = { id: '', reason: '', consent: false }

export type ConfirmationErrors = Partial<Record<keyof ConfirmationDraft, string>>

/**
 * Why it is not sent yet, in the order of the fields; empty if it may be.
 *
 * @param consentAdvice - given where consent is needed: what to do if one would rather not.
 */
export function checkConfirmation(
  draft: ConfirmationDraft,
  { kind, id, what = 'id' }: ConfirmationSubject,
  consentAdvice?: string,
): ConfirmationErrors {
  const errors: ConfirmationErrors = {}
  if (draft.id.trim().normalize('NFC') !== id.normalize('NFC')) {
    errors.id = `Type ${id}, the ${what} of this ${kind}`
  }
  if (draft.reason.trim() === '') errors.reason = 'Say why, in a few words'
  if (consentAdvice !== undefined && !draft.consent) errors.consent = consentAdvice
  return errors
}
