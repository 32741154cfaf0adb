import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { callAdmin, type Query } from './call-admin.ts'
import { nextCursor, type Page } from './page.ts'

const PAGE_SIZE = 50

/**
 * A long list, a page at a time; what was shown stays until another filter's first page is here.
 *
 * @param key - names the list in the cache: with all that it depends on but the filter.
 * @param filter - empty text: any.
 */
export function usePages<T>(key: readonly unknown[], path: string, filter: Query = {}) {
  return useInfiniteQuery({
    queryKey: [...key, filter],
    queryFn: ({ pageParam }) =>
      callAdmin<Page<T>>('GET', path, undefined, { ...filter, limit: PAGE_SIZE, cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
    placeholderData: keepPreviousData,
  })
}
