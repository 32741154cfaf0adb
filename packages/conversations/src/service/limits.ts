/** Keys of one device in one conversation that still wait for recipients; an older one gives way. */
export const MAX_INCOMPLETE_KEYS = 2
/** Conversations that one user creates within {@link CREATION_WINDOW_MS}. */
export const MAX_CREATIONS = 1_000
export const CREATION_WINDOW_MS = 86_400_000
