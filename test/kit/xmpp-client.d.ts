// @xmpp/client 0.14 brings no types; this is the part that the kit uses.
declare module '@xmpp/client' {
  import type { XmlFactory, XmppClient } from '@keyhaven/conversations/xmpp'

  interface Client extends XmppClient {
    readonly reconnect: { delay: number; stop(): void }
    readonly streamManagement: XmppClient['streamManagement'] & { id: string; timeout: number }
    start(): Promise<unknown>
    stop(): Promise<unknown>
  }
  function client(options: {
    service: string
    domain: string
    resource?: string
    username: string
    password: string
  }): Client
  const xml: XmlFactory

  export { type Client, client, xml }
}
