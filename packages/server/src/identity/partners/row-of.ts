type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** A record as its table holds it: names in snake case, yes and no as 1 and 0, beside the tenant's id. */
export type RowOf<T> = { application_id: string } & {
  -readonly [Name in keyof T & string as SnakeCase<Name>]: boolean extends T[Name] ? number : T[Name]
}
