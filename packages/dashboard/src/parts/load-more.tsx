import { Button, Center } from '@mantine/core'

interface LoadMoreProps {
  readonly query: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => unknown
  }
  readonly children: string
}

/** Fetches the next page of a long list. */
export function LoadMore({ query, children }: LoadMoreProps) {
  if (!query.hasNextPage) return null
  return (
    <Center p="md">
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
        {children}
      </Button>
    </Center>
  )
}
