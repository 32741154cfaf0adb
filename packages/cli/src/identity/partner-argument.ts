/** The argument that names a partner. */
export const PARTNER = ['<partner>', 'partner id'] as const
