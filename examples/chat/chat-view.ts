/** A message to show, or why there is none. */
export type ShownMessage =
  | { readonly text: string; readonly from: string; readonly sentAt: Date }
  | { readonly failed: string }

export function element<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`)
  return found
}

/** As people write a name. */
export function nameOf(username: string): string {
  return username.charAt(0).toUpperCase() + username.slice(1)
}

export function showChat(contact: string): void {
  const chat = element('chat', HTMLElement)
  chat.hidden = false
  chat.querySelector('.avatar')!.textContent = nameOf(contact).charAt(0)
  element('contact', HTMLElement).textContent = nameOf(contact)
  document.title = `Chat with ${nameOf(contact)}`
  element('write', HTMLFormElement).querySelector('input')!.focus()
}

export function showMessage(message: ShownMessage, username: string): void {
  const item = document.createElement('li')
  if ('failed' in message) {
    item.className = 'failed'
    item.textContent = message.failed
  } else {
    if (message.from === username) item.className = 'own'
    item.textContent = message.text
    const time = document.createElement('time')
    time.dateTime = message.sentAt.toISOString()
    time.textContent = message.sentAt.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    item.append(time)
  }
  const list = element('messages', HTMLOListElement)
  list.append(item)
  list.scrollTop = list.scrollHeight
}

export function showNotice(text: string): void {
  element('notice', HTMLElement).textContent = text
}

/** @param verified - undefined: the directory does not say. */
export function showTrust(verified: boolean | undefined): void {
  const trust = element('trust', HTMLElement)
  trust.className = verified === true ? 'verified' : ''
  trust.textContent = verified === true ? '✓ Verified' : 'Encrypted · not verified'
}
