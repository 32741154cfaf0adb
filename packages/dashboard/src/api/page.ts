/** One page of a long list. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

export function nextCursor(page: Page<unknown>): string | undefined {
  return page.nextCursor ?? undefined
}
