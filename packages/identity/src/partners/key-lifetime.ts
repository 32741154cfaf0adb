/** How long API keys and licences of partners work, in days. */
export const KEY_LIFETIME_DAYS_DEFAULT = 365
export const KEY_LIFETIME_DAYS_MAX = 1_826
