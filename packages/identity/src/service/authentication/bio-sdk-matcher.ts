import { KeyhavenError, toBase64, utf8 } from '@keyhaven/crypto'
import type { BiometricMatcher } from '../../biometrics/biometric-matcher.ts'
import type { Bir } from '../../biometrics/bir.ts'
import { BDB_FORMATS, type BiometricType, isBiometricType } from '../../biometrics/modality.ts'
import { readJsonAnswer } from '../../http/read-answer.ts'
import { fromAnyBase64 } from '../../mosip/base64.ts'

const SPEC_VERSION = '1.0'
const TIMEOUT_MS = 10_000
/** Templates of a whole person. */
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024
const VERSION = { major: 1, minor: 1 }
const BDB_ORGANIZATION = '257'
const MATCHED = 'MATCHED'
const WHOLE_SCORE = 100

/**
 * MOSIP's Bio-SDK HTTP service (mosip/biosdk-services, "Biosdk Service spec. 1.0"): whoever makes a matcher for
 * MOSIP brings it as such a service. It decides by itself; a score it gives none.
 *
 * @param url - such as `http://127.0.0.1:9099/biosdk-service`.
 */
export function bioSdkMatcher(url: string, fetch = globalThis.fetch): BiometricMatcher {
  async function call(path: string, body: object): Promise<unknown> {
    const request = { version: SPEC_VERSION, request: toBase64(utf8(JSON.stringify(body))) }
    try {
      const answer = await fetch(`${url}/${path}`, {
        method: 'POST',
        redirect: 'error',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const said = await readJsonAnswer(answer, MAX_ANSWER_BYTES)
      const { response, errors } = said as { response?: unknown; errors?: unknown[] | null }
      if (answer.ok && response != null && !(errors != null && errors.length > 0)) return unwrapped(response)
    } catch (cause) {
      throw new KeyhavenError('UPSTREAM_FAILED', 'the Bio-SDK service does not answer', { cause })
    }
    throw new KeyhavenError('UPSTREAM_REFUSED', 'the Bio-SDK service refused')
  }

  return {
    name: 'MOSIP Bio-SDK service',

    async match(probe, gallery, modalities) {
      if (gallery.length === 0) return { score: 0, match: false }
      const decisions = await call('match', {
        sample: recordOf(probe),
        gallery: [recordOf(gallery)],
        modalitiesToMatch: modalities.map((type) => type.toUpperCase()),
        flags: {},
      })
      const match = modalities.every((type) => isMatched(decisions, type))
      return { score: match ? WHOLE_SCORE : 0, match }
    },

    async extract(birs) {
      const types = [...new Set(birs.map(({ type }) => type.toUpperCase()))]
      const made = await call('extract-template', {
        sample: recordOf(birs),
        modalitiesToExtract: types,
        flags: {},
      })
      return segmentsOf(made)
    },
  }
}

/** Newer services put status and answer around what they say. */
function unwrapped(response: unknown): unknown {
  return isRecord(response) && 'statusCode' in response ? response.response : response
}

function isMatched(decisions: unknown, type: BiometricType): boolean {
  const [first] = Array.isArray(decisions) ? decisions : []
  const of = isRecord(first) && isRecord(first.decisions) ? first.decisions[type.toUpperCase()] : undefined
  return isRecord(of) && of.match === MATCHED
}

function recordOf(birs: readonly Bir[]): object {
  return {
    version: VERSION,
    cbeffversion: VERSION,
    birInfo: { integrity: false },
    segments: birs.map(segment),
  }
}

function segment({ type, subtypes, quality, bdb, purpose, createdOn, level = 'Raw' }: Bir): object {
  return {
    version: VERSION,
    cbeffversion: VERSION,
    birInfo: { integrity: false },
    bdbInfo: {
      format: { organization: BDB_ORGANIZATION, type: String(BDB_FORMATS[type]) },
      creationDate: createdOn,
      type: [type.toUpperCase()],
      subtype: subtypes,
      level: level.toUpperCase(),
      purpose: purpose.toUpperCase(),
      quality: { algorithm: { organization: 'HMAC', type: 'SHA-256' }, score: quality },
    },
    bdb: toBase64(bdb),
  }
}

function segmentsOf(record: unknown): Bir[] {
  const segments = isRecord(record) && Array.isArray(record.segments) ? record.segments : []
  return segments.map((one: unknown): Bir => {
    const info = isRecord(one) && isRecord(one.bdbInfo) ? one.bdbInfo : {}
    const [name] = Array.isArray(info.type) ? info.type : []
    const type = typeof name === 'string' ? name[0] + name.slice(1).toLowerCase() : undefined
    if (!isRecord(one) || typeof one.bdb !== 'string' || !isBiometricType(type)) {
      throw new KeyhavenError('UPSTREAM_REFUSED', 'the Bio-SDK service gave no template')
    }
    return {
      type,
      subtypes: Array.isArray(info.subtype) ? info.subtype.map(String) : [],
      quality: isRecord(info.quality) ? Number(info.quality.score) : 0,
      bdb: fromAnyBase64(one.bdb),
      purpose: 'Verify',
      createdOn: typeof info.creationDate === 'string' ? info.creationDate : new Date(0).toISOString(),
      level: 'Processed',
    }
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
