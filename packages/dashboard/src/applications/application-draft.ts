import type { NewApplication } from '../api/applications.ts'
import type { SuiteName } from '../api/e2e-keys.ts'
import { APPLICATION_ID_RULE, isApplicationId } from './application-id.ts'

/** SHA-256 in base64url, RFC 7638. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** What the dialog holds while a person fills it in. */
export interface ApplicationDraft {
  readonly name: string
  readonly id: string
  readonly suite: SuiteName
  readonly root: 'online' | 'offline'
  readonly thumbprint: string
  readonly spareThumbprint: string
}

export const EMPTY_DRAFT: ApplicationDraft = {
  name: '',
  id: '',
  suite: 'x-wing',
  root: 'online',
  thumbprint: '',
  spareThumbprint: '',
}

export type DraftErrors = Partial<Record<keyof ApplicationDraft, string>>

/** What is missing or wrong, field by field, in words that say how to mend it. */
export function checkDraft(draft: ApplicationDraft): DraftErrors {
  const errors: DraftErrors = {}
  if (!isApplicationId(draft.id)) errors.id = APPLICATION_ID_RULE
  if (draft.root === 'offline') {
    if (!THUMBPRINT.test(draft.thumbprint.trim())) errors.thumbprint = 'A thumbprint has 43 characters'
    if (draft.spareThumbprint.trim() !== '' && !THUMBPRINT.test(draft.spareThumbprint.trim())) {
      errors.spareThumbprint = 'A thumbprint has 43 characters'
    }
  }
  return errors
}

/** The call's body, from a draft without errors. */
export function draftToApplication(draft: ApplicationDraft): NewApplication {
  const name = draft.name.trim()
  const thumbprints = [draft.thumbprint.trim(), draft.spareThumbprint.trim()].filter((print) => print !== '')
  return {
    id: draft.id,
    suite: draft.suite,
    ...(name === '' ? {} : { name }),
    ...(draft.root === 'offline' ? { rootThumbprints: thumbprints } : {}),
  }
}
