import { describeToken, type TokenDescription } from './describe-token.ts'
import { type HsmLocation, openHsmToken } from './open-hsm-token.ts'

/** Signs in to the token and asks what it can do; changes nothing. @throws KeyhavenError `CONFIG_INVALID` */
export async function describeHsm(location: HsmLocation): Promise<TokenDescription> {
  const token = openHsmToken(location)
  try {
    return await describeToken(token)
  } finally {
    token.close()
  }
}
