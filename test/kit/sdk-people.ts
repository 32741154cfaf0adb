import type { EnrollOptions, Me } from '@keyhaven/sdk'
import type { SdkServer } from './sdk-server.ts'

/** People on one server. All their devices are closed together. */
export interface SdkPeople {
  /** A username that no other test of the file has. */
  nameOf(name: string): string
  /** A user that no other test of the file has, on one device. */
  person(name: string, setup?: Partial<EnrollOptions>): Promise<Me>
  /** Another device of a user, approved by `me`. */
  secondDevice(me: Me, setup?: Partial<EnrollOptions>, approval?: { readonly history?: boolean }): Promise<Me>
  /** Takes a device that a test has opened by itself, to be closed with the others. */
  kept(me: Me): Me
  close(): Promise<void>
}

/**
 * @param server - asked for at each use: tests start it after they have described themselves.
 * @param common - what every device is set up with.
 */
export function createPeople(server: () => SdkServer, common: Partial<EnrollOptions> = {}): SdkPeople {
  const open = new Set<Me>()
  let users = 0

  function nameOf(name: string): string {
    users += 1
    return `${name} ${users}`
  }

  function kept(me: Me): Me {
    open.add(me)
    return me
  }

  return {
    nameOf,
    kept,
    person: async (name, setup = {}) => kept(await server().enroll(nameOf(name), { ...common, ...setup })),
    async secondDevice(me, setup = {}, approval = {}) {
      const pending = await server()
        .connect()
        .requestDevice({ username: me.username, deviceName: 'phone', ...common, ...setup })
      await me.devices.approve(pending.request, approval)
      return kept(await pending.completed())
    },
    async close() {
      for (const me of open) await me.close()
    },
  }
}

export async function textOf(me: Me, envelope: string): Promise<string> {
  return (await me.messages.decrypt(envelope)).text
}
