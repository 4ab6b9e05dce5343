/** One's own key while the page is open, and what is signed with it 自持密钥签章. */

import { computed, shallowRef } from 'vue'
import { api, ask, Refused, type Problem, type Schemas } from './api/client'
import type { OwnKey } from './sm2'
import type { SigningRole } from './waiting'

const PORTION = 500

interface Held {
  key: OwnKey
  certSerial: string
}
const held = shallowRef<Held>()

/** The certificate under which the key in memory is registered, "" where there is none. */
export const ownCertificate = computed(() => held.value?.certSerial ?? '')

export function forgetKey(): void {
  held.value = undefined
}

/**
 * Takes a key file into memory. Its certificate is found among those of the division.
 *
 * Throws Refused with `certificate_invalid` where none that is valid is registered for the key and
 * the person, and with `key_unreadable` where the file holds no key.
 */
export async function takeKey(file: File, division: string, principal: string): Promise<void> {
  const { readKey } = await import('./sm2')
  let key: OwnKey
  try {
    key = readKey(await file.text())
  } catch (error) {
    throw new Refused('key_unreadable', { detail: String(error) }, 0)
  }
  held.value = { key, certSerial: await certificateOf(key, division, principal) }
}

async function certificateOf(key: OwnKey, mof_div_code: string, principal: string): Promise<string> {
  let cursor: string | undefined
  const now = Date.now()
  do {
    const query = { page_size: 1000, ...(cursor ? { cursor } : {}) }
    const page = await ask(api.GET('/v1/divisions/{mof_div_code}/certificates', { params: { path: { mof_div_code }, query } }))
    const found = page.items.find(
      (each) =>
        each.public_key.toLowerCase() === key.publicKey &&
        each.subject === `principal/${principal}` &&
        each.revoked_at === null &&
        Date.parse(each.not_before) <= now &&
        now < Date.parse(each.not_after),
    )
    if (found) return found.cert_serial
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  throw new Refused('certificate_invalid', { detail: 'no valid certificate of yours is registered for this key' }, 0)
}

export interface Signed {
  number: string
  problem?: Problem | undefined
}

/**
 * Signs vouchers with the key in memory: asks for their bytes, makes e anew of them, hands in.
 *
 * @param progress is told after each portion how many are done.
 */
export async function signWithOwnKey(
  ledger: string,
  numbers: string[],
  role: SigningRole,
  progress: (done: number) => void,
): Promise<Signed[]> {
  const results: Signed[] = []
  for (let at = 0; at < numbers.length; at += PORTION) {
    results.push(...(await portion(ledger, numbers.slice(at, at + PORTION), role)))
    progress(Math.min(at + PORTION, numbers.length))
  }
  return results
}

async function portion(ledger: string, numbers: string[], role: SigningRole): Promise<Signed[]> {
  const { key, certSerial } = held.value!
  const params = { path: { ledger } }
  const prepared = await ask(
    api.POST('/v1/ledgers/{ledger}/payments:prepare-signature', {
      params,
      body: { pay_app_nos: numbers, role, cert_serial: certSerial },
    }),
  )
  const refused = prepared.items.filter((each) => each.problem).map((each) => ({ number: each.pay_app_no, problem: each.problem as Problem }))
  const sound = prepared.items.filter((each) => !each.problem && numbers.includes(each.pay_app_no))
  if (sound.length === 0) return refused
  const body = await signedBody(ledger, role, key, sound, prepared.manifest)
  const { results } = await ask(api.POST('/v1/ledgers/{ledger}/payments:submit-signature', { params, body }))
  return [...refused, ...results.map((each) => ({ number: sound[each.index]!.pay_app_no, problem: each.problem as Problem | undefined }))]
}

async function signedBody(
  ledger: string,
  role: string,
  key: OwnKey,
  sound: Schemas['PreparedItem'][],
  manifest: Schemas['PreparedManifestView'] | null,
): Promise<Schemas['SubmissionRequest']> {
  const { fromBase64, manifestText } = await import('./sm2')
  const vouchers = sound.map((each) => fromBase64(each.voucher!))
  try {
    if (manifest === null)
      return { items: sound.map((each, at) => ({ pay_app_no: each.pay_app_no, signature: key.sign(vouchers[at]!, each.digest!) })) }
    const text = manifestText(ledger, role, vouchers)
    if (text !== manifest.text) throw new RangeError('the manifest is not that of the vouchers')
    const pay_app_nos = sound.map((each) => each.pay_app_no)
    return { manifest: { text, pay_app_nos }, signature: key.sign(new TextEncoder().encode(text), manifest.digest) }
  } catch (error) {
    throw new Refused('signature_invalid', { detail: String(error) }, 0)
  }
}
