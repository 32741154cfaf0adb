import type { AuditFilter } from '../api/audit.ts'
import { isApplicationId } from '../applications/application-id.ts'

/** What the filters hold: like {@link AuditFilter}, with days as `YYYY-MM-DD` in the reader's time zone. */
export interface AuditFilterDraft {
  readonly action: string
  readonly actor: string
  readonly applicationId: string
  readonly fromDay: string
  readonly toDay: string
}

export const ANY: AuditFilterDraft = { action: '', actor: '', applicationId: '', fromDay: '', toDay: '' }

/** Both days count whole: from the first moment of the one to the last of the other. */
export function draftToFilter(draft: AuditFilterDraft): AuditFilter {
  return {
    action: draft.action,
    actor: draft.actor.trim(),
    applicationId: hasWrongId(draft) ? '' : draft.applicationId.trim(),
    from: dayToIso(draft.fromDay, 'T00:00:00.000'),
    to: dayToIso(draft.toDay, 'T23:59:59.999'),
  }
}

/** What is typed can be no application's id, so it filters nothing. */
export function hasWrongId(draft: AuditFilterDraft): boolean {
  const id = draft.applicationId.trim()
  return id !== '' && !isApplicationId(id)
}

function dayToIso(day: string, localTime: string): string {
  const time = Date.parse(`${day}${localTime}`)
  return Number.isNaN(time) ? '' : new Date(time).toISOString()
}
