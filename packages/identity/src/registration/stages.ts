/** How far a registration is, in this order; a rejected one can begin again with a corrected packet. */
export const REGISTRATION_STAGES = [
  'RECEIVED',
  'VERIFIED',
  'DEDUPLICATED',
  'UIN_GIVEN',
  'STORED',
  'CREDENTIALS_ISSUED',
  'REJECTED',
] as const
export type RegistrationStage = (typeof REGISTRATION_STAGES)[number]

/** Nothing more happens by itself. */
export function isFinalStage(stage: RegistrationStage): boolean {
  return stage === 'CREDENTIALS_ISSUED' || stage === 'REJECTED'
}
