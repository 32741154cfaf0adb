import type { Page } from '../admin/admin-api.ts'
import { parseWhole } from '../input/parse-time.ts'
import type { Output } from './output.ts'

export const LIST_LIMIT_DEFAULT = '50'
/** The largest page that the admin API answers. */
export const LIST_LIMIT_MAX = 200

export function parseLimit(text: string): number {
  return parseWhole('--limit', text, 1, LIST_LIMIT_MAX)
}

/** Shows one page of a list, and how to get the next one. */
export function showPage<Item>(
  output: Output,
  page: Page<Item>,
  text: (items: readonly Item[]) => string,
): void {
  output.result(page, () => text(page.items))
  if (page.nextCursor !== null) output.note(`There are more: add --cursor ${page.nextCursor}`)
}
