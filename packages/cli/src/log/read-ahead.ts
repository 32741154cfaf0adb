/**
 * Starts work on items before it is their turn, and hands out the results in order.
 *
 * @param ahead - how many are under way at most.
 */
export async function* readAhead<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  read: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  for (const item of items) {
    const started = read(item)
    // It is awaited later; until then nobody is to call it unhandled.
    started.catch(() => {})
    running.push(started)
    if (running.length >= ahead) yield await running.shift()!
  }
  while (running.length > 0) yield await running.shift()!
}
