import type { Migration } from 'kysely/migration'

/** A table as backup and restore see it. */
export interface TableInfo {
  readonly name: string
  /** Columns that order the table's rows, for a stable backup. */
  readonly primaryKey: readonly string[]
  /** False for what lives only minutes (replay entries, sessions): a backup leaves it out. */
  readonly backup: boolean
}

/** What a feature brings to the database. Names of migrations are unique: `0001-keys`. */
export interface FeatureSchema {
  readonly migrations: Readonly<Record<string, Migration>>
  /** In the order in which rows can be inserted. */
  readonly tables: readonly TableInfo[]
}
