import { connect, indexedDbMessageStore, indexedDbStorage, type Me } from '@keyhaven/sdk'
import { element, showChat, showMessage, showNotice, showTrust } from './chat-view.ts'
import { explain } from './explain.ts'
import { keepEnvelope, keptEnvelopes } from './kept-envelopes.ts'
import { connectVerification } from './verification-dialog.ts'

/** Vite puts these in: an app has them in its own settings, and gets a person's token from its operator. */
declare const CHAT: {
  url: string
  applicationId: string
  trust: { rootThumbprints: string[]; log: string }
  tokens: Record<string, string>
}

const CONTACTS: Readonly<Record<string, string>> = { anna: 'ben', ben: 'anna' }

const { url, applicationId, trust } = CHAT
const kh = connect({ url, applicationId, trust, storage: indexedDbStorage(), appVersion: '1.0.0' })

/** The device of this person in this browser: the one that is there, or a new one. */
async function openDevice(username: string): Promise<Me> {
  const store = indexedDbMessageStore(`chat-${username}`)
  const me = await kh.resume({ store })
  return me ?? kh.enroll({ username, token: CHAT.tokens[username]!, store, deviceName: 'This browser' })
}

async function start(username: string): Promise<void> {
  const me = await openDevice(username)
  const contact = CONTACTS[username]!
  // A reload comes back to the same person.
  sessionStorage.setItem('user', username)
  showChat(contact)
  // The app keeps the envelopes; the device keeps the keys that read them again.
  for (const envelope of keptEnvelopes(username)) {
    const read = await me.messages.readAgain(envelope).catch((error) => ({ failed: explain(error) }))
    showMessage(read, username)
  }

  const updateTrust = async () => showTrust(await me.verification.isVerified(contact).catch(() => undefined))
  connectVerification(me, contact, updateTrust)
  void updateTrust()

  element('write', HTMLFormElement).addEventListener('submit', async (event) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const input = form.elements.namedItem('text') as HTMLInputElement
    const text = input.value
    try {
      const { envelope, leftOut } = await me.messages.encrypt(contact, text)
      await me.mailbox.send(contact, envelope)
      keepEnvelope(username, envelope)
      showMessage({ text, from: username, sentAt: new Date() }, username)
      showNotice(leftOut.map(({ advice }) => advice).join(' '))
      input.value = ''
    } catch (error) {
      showNotice(explain(error))
    }
    void updateTrust()
  })

  for await (const { envelope } of me.mailbox.subscribe()) {
    try {
      const message = await me.messages.decrypt(envelope)
      if (message.repaired) continue
      keepEnvelope(username, envelope)
      showMessage(message, username)
    } catch (error) {
      // One that was read before this page was closed comes again.
      if ((error as { code?: unknown }).code === 'DUPLICATE') continue
      showMessage({ failed: explain(error) }, username)
      await me.mailbox.repair(error)
    }
    void updateTrust()
  }
}

const who = element('who', HTMLElement)
const run = (username: string) =>
  start(username).catch((error) => {
    who.hidden = false
    element('who-notice', HTMLElement).textContent = explain(error)
  })

for (const button of who.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    who.hidden = true
    void run(button.dataset.user!)
  })
}
const last = sessionStorage.getItem('user')
if (last === null) who.hidden = false
else void run(last)
