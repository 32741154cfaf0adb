/**
 * Runs over all items, at most so many at once. @returns the results in the items' order; throws the first
 * failure.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length)
  let next = 0
  async function work(): Promise<void> {
    for (let at = next++; at < items.length; at = next++) results[at] = await run(items[at]!)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  return results
}
