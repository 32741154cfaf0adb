/**
 * The same value for two kinds of types: the router's know no readonly lists, and write a member that may
 * lack as one that may be undefined, which JSON never is.
 */
export function exact<To = never, From = unknown>(value: From): [To] extends [never] ? Mutable<From> : To {
  return value as never
}

type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Mutable<T[Name]> }
    : T
