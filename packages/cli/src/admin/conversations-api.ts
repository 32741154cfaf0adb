// What the admin API answers about conversations, as far as the commands show it. Times are ISO 8601.

export interface Conversation {
  readonly id: string
  readonly mode: 'managed' | 'sealed'
  /** Members now. */
  readonly members: number
  readonly sequence: number
  readonly createdAt: string
  readonly createdBy: string
  readonly changedAt: string
  readonly retentionDays: number | null
  readonly currentKey: { readonly id: string; readonly createdAt: string } | null
  /** Ever made. */
  readonly keys: number
  readonly receipts: number
}

export interface ConversationExport {
  readonly id: string
  readonly conversation: string
  readonly reason: string
  readonly state: 'pending' | 'approved' | 'downloaded'
  readonly requestedBy: string
  readonly requestedAt: string
  readonly approvedBy: string | null
}

export interface ConversationDetails extends Conversation {
  readonly history: { readonly members: string | number; readonly devices: string }
  readonly fileBytes: number
  readonly people: ReadonlyArray<{
    readonly username: string
    readonly role: string
    readonly since: string
    /** Null: a member now. */
    readonly until: string | null
  }>
  readonly exports: readonly ConversationExport[]
}

export interface ConversationReceipt {
  readonly receipt: {
    readonly sequence: number
    readonly kind: 'key' | 'file' | 'export'
    /** Id of the key or file. */
    readonly object: string
    readonly to:
      | { readonly username: string; readonly device: string }
      | { readonly operators: readonly string[] }
    readonly rule: string
    /** Seconds since the epoch, as it is committed to. */
    readonly at: number
  }
  readonly commitment: { readonly logIndex: number }
}

export interface ExportedKeys {
  readonly items: ReadonlyArray<{ readonly id: string; readonly createdAt: string; readonly key: string }>
}

/** Path of an application's conversations in the admin API, or of one of them. */
export function conversationsPath(applicationId: string, conversation?: string): string {
  const all = `/applications/${encodeURIComponent(applicationId)}/conversations`
  return conversation === undefined ? all : `${all}/${encodeURIComponent(conversation)}`
}
