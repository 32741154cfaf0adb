import type { NewExport } from '../api/conversations.ts'
import { momentToIso } from '../parts/local-moment.ts'

/** What the dialog holds while a person fills it in; times as `<input type="datetime-local">` gives them. */
export interface ExportDraft {
  readonly reason: string
  /** Empty: from the first key on. */
  readonly from: string
  /** Empty: up to the newest key. */
  readonly to: string
}

export const EMPTY_EXPORT: ExportDraft = { reason: '', from: '', to: '' }
export const REASON_MAX_CHARS = 500

export type ExportErrors = Partial<Record<keyof ExportDraft, string>>

/** What is missing or wrong, field by field. */
export function checkExport(draft: ExportDraft): ExportErrors {
  const errors: ExportErrors = {}
  if (draft.reason.trim() === '') errors.reason = 'Say why, in a few words'
  const from = momentToIso(draft.from)
  const to = momentToIso(draft.to)
  if (from !== undefined && to !== undefined && Date.parse(to) <= Date.parse(from)) {
    errors.to = 'Choose a time after the first one'
  }
  return errors
}

/** The call's body, from a draft without errors. */
export function draftToExport(draft: ExportDraft): NewExport {
  const from = momentToIso(draft.from)
  const to = momentToIso(draft.to)
  return {
    reason: draft.reason.trim(),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}
