import type { People } from './messaging-first.ts'
import { enroll, MARKER, type MessagingScene, outcome } from './messaging-scene.ts'

const DORA = 'dora@example.com'
const ERIN = 'erin@example.com'

/** A device of an existing deployment, with RSA-1024 as seed systems have it, moves up. */
export async function movingUp(scene: MessagingScene, { alice }: People): Promise<void> {
  const { tour } = scene
  tour.chapter('6. A device with RSA-1024 moves up to X-Wing')
  const dora = await enroll(scene, {
    username: DORA,
    name: 'old phone',
    profile: 'rsa1024-legacy',
    allowLegacy: true,
  })
  const erin = await enroll(scene, { username: ERIN, name: 'phone', allowLegacy: true })
  const refused = await outcome(alice.me.messages.encrypt(DORA, MARKER))
  tour.claim(
    dora.me.profile === 'rsa1024-legacy' && refused === 'SUITE_REFUSED',
    `dora's device is ${dora.me.profile}; alice's app, which does not name that profile: ${refused}`,
  )
  const exchange = async (text: string) => {
    const { envelope } = await erin.me.messages.encrypt(DORA, text)
    return { envelope, text: (await dora.me.messages.decrypt(envelope)).text }
  }
  const old = await exchange(`${MARKER}: under RSA-1024`).catch((error: { code: string }) => error.code)
  tour.claim(
    typeof old !== 'string' && old.text === `${MARKER}: under RSA-1024`,
    `erin's app names it: she and dora exchange messages${typeof old === 'string' ? `: ${old}` : ''}`,
  )
  const weak = await scene.server.audit('directory.legacy')
  tour.claim(
    weak.some(({ subject }) => subject === `${DORA}/${dora.me.device}`),
    'the audit log of the server names the device as weak: RSA-1024',
  )
  const withoutProof = await outcome(dora.me.renew({ profile: 'x-wing' }))
  const token = await scene.server.signUpToken(DORA)
  const renewed = await outcome(dora.me.renew({ profile: 'x-wing', signUp: { token } }))
  tour.claim(
    renewed === 'undefined' && dora.me.profile === 'x-wing',
    `her renewal: old key's signature alone ${withoutProof}, with a fresh sign-up token ${dora.me.profile}` +
      (renewed === 'undefined' ? '' : ` (${renewed})`),
  )
  const now = await outcome(
    alice.me.messages
      .encrypt(DORA, `${MARKER}: under X-Wing`)
      .then(async ({ envelope }) => (await dora.me.messages.decrypt(envelope)).text),
  )
  tour.claim(now === `${MARKER}: under X-Wing`, `alice's app writes to her now: "${now}"`)
  const kept =
    typeof old === 'string'
      ? old
      : await outcome(dora.me.messages.readAgain(old.envelope).then(({ text }) => text))
  tour.claim(kept === `${MARKER}: under RSA-1024`, 'what she got under the old key stays readable')
  const down = await outcome(dora.me.renew({ profile: 'rsa3072' }))
  tour.claim(down !== 'undefined' && dora.me.profile === 'x-wing', `and there is no way down again: ${down}`)
}
