/** What the program is started with. */
export interface Settings {
  readonly keyhaven: {
    readonly url: string
    readonly applicationId: string
    readonly rootThumbprints: readonly string[]
    readonly log: string
    /** Needed the first time: an operator hands it out. */
    readonly token: string | undefined
  }
  readonly xmpp: {
    /** Such as `xmpp://chat.example.org` (STARTTLS) or `xmpps://chat.example.org:5223`. */
    readonly service: string
    readonly account: string
    readonly password: string
  }
  /** This device's keys; keep the file. */
  readonly store: string
  /** XMPP address of the other person. */
  readonly contact: string
}

/** @throws Error that names what is missing. */
export function readSettings(words: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const need = (name: string): string => {
    const value = env[name]
    if (value === undefined || value === '') throw new Error(`set ${name}`)
    return value
  }
  const [contact] = words
  if (contact === undefined) throw new Error('usage: node examples/xmpp-chat/chat.ts OTHER@EXAMPLE.ORG')
  const account = need('XMPP_ACCOUNT')
  return {
    keyhaven: {
      url: need('KEYHAVEN_URL'),
      applicationId: need('KEYHAVEN_APPLICATION'),
      rootThumbprints: need('KEYHAVEN_ROOTS').split(','),
      log: need('KEYHAVEN_LOG'),
      token: env.KEYHAVEN_TOKEN,
    },
    xmpp: {
      service: env.XMPP_SERVICE ?? `xmpp://${account.split('@')[1]}`,
      account,
      password: need('XMPP_PASSWORD'),
    },
    store: env.KEYHAVEN_STORE ?? `${account}.keyhaven.sqlite`,
    contact,
  }
}
