import type { Awaitable } from '@keyhaven/crypto'

/** `next(value)` at once if the value is here, otherwise when it comes. */
export function chain<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
