/** What the dialog holds while a person fills it in. */
export interface RootSwitchDraft {
  /** The application's id, typed by hand. */
  readonly applicationId: string
  readonly reason: string
}

export type RootSwitchErrors = Partial<Record<keyof RootSwitchDraft, string>>

/** Why the switch is not sent yet; empty if it may be. */
export function checkRootSwitch(draft: RootSwitchDraft, applicationId: string): RootSwitchErrors {
  const errors: RootSwitchErrors = {}
  if (draft.applicationId.trim() !== applicationId) {
    errors.applicationId = `Type ${applicationId}, the id of this application`
  }
  if (draft.reason.trim() === '') errors.reason = 'Say why, in a few words'
  return errors
}
