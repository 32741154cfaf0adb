// A chat of two people by any XMPP server: node examples/xmpp-chat/chat.ts OTHER@EXAMPLE.ORG. See README.md.
import { createInterface } from 'node:readline'
import { bareAddress, createXmppAdapter, type XmppEvent } from '@keyhaven/conversations/xmpp'
import { type ConversationMessage, connect, type Me } from '@keyhaven/sdk'
import { sqliteStore } from '@keyhaven/sdk/node'
import { client, xml } from '@xmpp/client'
import { conversationWith } from './conversation-with.ts'
import { readSettings, type Settings } from './settings.ts'

const HELP = '/new: a new key   /archive: what the server keeps   /members   /quit   all else is sent'
const ARCHIVE_PAGE = 20

/**
 * This device, as it was left; or a new one, with the operator's token. Usernames are XMPP addresses here.
 */
async function openDevice({ keyhaven, xmpp, store: path }: Settings): Promise<Me> {
  const { url, applicationId, rootThumbprints, log, token } = keyhaven
  const kh = connect({ url, applicationId, trust: { rootThumbprints, log } })
  const store = sqliteStore({ path })
  const me = await kh.resume({ store })
  if (me) return me
  if (token === undefined) throw new Error('set KEYHAVEN_TOKEN, this once')
  return kh.enroll({ username: xmpp.account, token, store, deviceName: 'xmpp-chat' })
}

function lineOf(event: XmppEvent<ConversationMessage, never>): string | undefined {
  switch (event.kind) {
    case 'conversation': {
      const { from, time, text } = event.message
      const doubt = event.sender === 'unknown' ? ' (passed on by somebody unknown)' : ''
      const who = event.own ? 'me' : from.username
      return `${time.toLocaleTimeString()} ${who}${doubt}: ${text ?? '[no text]'}`
    }
    case 'refused':
      return `! a message was refused: ${event.error.code}, ${event.error.message}`
    case 'undelivered':
      return `! ${event.to} did not get a message: ${event.condition}`
    default:
      return undefined
  }
}

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env)
  const { contact } = settings
  const me = await openDevice(settings)
  const [username, domain] = settings.xmpp.account.split('@')
  const { service, password } = settings.xmpp
  const xmpp = client({ service, domain: domain!, username: username!, password })
  xmpp.on('error', (error: Error) => console.error(`! XMPP: ${error.message}`))
  const adapter = createXmppAdapter<string, ConversationMessage, never>({
    xmpp,
    xml,
    conversations: me.conversations,
    usernameOf: bareAddress,
  })
  const show = (event: XmppEvent<ConversationMessage, never>): void => {
    const line = lineOf(event)
    if (line !== undefined) console.log(line)
  }
  adapter.onEvent(show)
  await xmpp.start()
  console.log(`${settings.xmpp.account} to ${contact}. ${HELP}`)

  async function run(line: string): Promise<void> {
    const conversation = await conversationWith(me, contact)
    if (line === '/new') {
      console.log(`new key: objectid ${await conversation.rotate()}`)
    } else if (line === '/archive') {
      const pages = adapter.archive({ with: contact, direction: 'backward', pageSize: ARCHIVE_PAGE })
      for (const event of (await pages.next()).value?.events ?? []) show(event)
    } else if (line === '/members') {
      for (const { username: member, role } of conversation.members()) console.log(`${member}: ${role}`)
      console.log(`the key server ${conversation.mode === 'sealed' ? 'cannot' : 'can'} read the keys`)
    } else {
      await adapter.send(contact, conversation.id, line)
    }
  }

  const input = createInterface({ input: process.stdin })
  for await (const line of input) {
    if (line === '/quit') break
    if (line.trim() === '') continue
    await run(line).catch((error: Error & { code?: string }) =>
      console.error(`! ${error.code ?? ''} ${error.message}`),
    )
  }
  process.stdin.destroy()
  await adapter.idle()
  adapter.close()
  await xmpp.stop()
  await me.close()
}

await main().catch((error: Error) => {
  console.error(error.message)
  // The XMPP client would go on trying.
  process.exit(1)
})
