/** Keys that one call asks for: `POST /v1/keys`. */
export const MAX_KEYS_PER_CALL = 100
/** Recipients of a sealed key that come with one call; more of them come by pages of as many. */
export const MAX_RECIPIENTS_PER_CALL = 500
