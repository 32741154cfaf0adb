import { segment } from './call-admin.ts'

/** Where an application's directory is, below `/admin/v1`. */
export function directoryBase(applicationId: string): string {
  return `/applications/${segment(applicationId)}/directory`
}
