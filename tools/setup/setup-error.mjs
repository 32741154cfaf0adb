/** Something that the person at the keyboard can mend: printed without a stack. */
export class SetupError extends Error {}
