/** A VID stands for a UIN towards others. As MOSIP's API spells them. */
export const VID_TYPES = ['Perpetual', 'Temporary'] as const
export type VidType = (typeof VID_TYPES)[number]

export interface VidPolicy {
  /** Null: until it is revoked. */
  readonly validForInMinutes: number | null
  /** Authentications; null: no limit. */
  readonly transactionsAllowed: number | null
  /** Of one person, at the same time. */
  readonly instancesAllowed: number
}

/** Source: mosip-config, `mosip-vid-policy.json`. */
export const VID_POLICIES: Readonly<Record<VidType, VidPolicy>> = {
  Perpetual: { validForInMinutes: null, transactionsAllowed: null, instancesAllowed: 1 },
  Temporary: { validForInMinutes: 30, transactionsAllowed: 1, instancesAllowed: 5 },
}
