import type { Me } from '@keyhaven/sdk'
import { renderSVG } from 'uqr'
import { element, nameOf } from './chat-view.ts'
import { explain } from './explain.ts'

/** Shows one's own code, and compares it with the other's. */
export function connectVerification(me: Me, contact: string, onVerified: () => Promise<void>): void {
  const dialog = element('verification', HTMLDialogElement)
  const form = element('compare', HTMLFormElement)
  const compared = element('compared', HTMLTextAreaElement)
  const notice = element('verification-notice', HTMLElement)
  let code = ''
  element('verification-title', HTMLElement).textContent = `Is this ${nameOf(contact)}?`
  element('verification-text', HTMLElement).textContent =
    `Compare it face to face or in a call: ${nameOf(contact)} sees the same number, unless somebody is in between.`

  element('verify', HTMLButtonElement).addEventListener('click', async () => {
    notice.textContent = ''
    try {
      const { qr, digits } = await me.verification.safetyNumber(contact)
      code = qr
      // What uqr draws is made of modules alone.
      element('qr', HTMLElement).innerHTML = renderSVG(qr, { border: 3 })
      element('digits', HTMLElement).textContent = digits
    } catch (error) {
      notice.textContent = explain(error)
    }
    dialog.showModal()
  })
  element('close', HTMLButtonElement).addEventListener('click', () => dialog.close())
  element('copy', HTMLButtonElement).addEventListener('click', async () => {
    await navigator.clipboard.writeText(code)
    notice.textContent = 'Copied.'
  })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    try {
      await me.verification.markVerified(contact, compared.value)
      compared.value = ''
      dialog.close()
      await onVerified()
    } catch (error) {
      notice.textContent = explain(error)
    }
  })
}
