/** Who the audit log names for what is done on the machine itself, without the admin API. */
export const LOCAL_ACTOR = 'cli:local'
