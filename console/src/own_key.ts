/** One's own key while the page is open, and what is signed with it 自持密钥签章. */

import { computed, shallowRef } from 'vue'
import { api, ask, Refused, type Problem, type Schemas } from './api/client'
import type { Signer } from './signer'

type SigningRole = Schemas['SigningRole']
const PORTION = 500

interface Held {
  signer: Signer
  certSerial: string
}
const held = shallowRef<Held>()

/** The certificate under which the key at hand is registered, "" where there is none. */
export const ownCertificate = computed(() => held.value?.certSerial ?? '')

export function forgetKey(): void {
  held.value = undefined
}

/** Keeps the key that its owner has logged in with. Its certificate is looked for when it signs. */
export function keepKey(signer: Signer): void {
  held.value = { signer, certSerial: signer.certSerial ?? '' }
}

/**
 * Keeps a key to sign with. Its certificate is found among those of the division.
 *
 * Throws Refused `certificate_invalid` where none that is valid is registered for key and person.
 */
export async function takeKey(signer: Signer, division: string, principal: string): Promise<void> {
  const certSerial = signer.certSerial || (await certificateOf(signer.publicKey, division, principal))
  held.value = { signer, certSerial }
}

/** Looks for the certificate of a key that was kept without one; without it, it is forgotten. */
export async function certifyKey(division: string, principal: string): Promise<void> {
  if (held.value?.certSerial === '') await takeKey(held.value.signer, division, principal).catch(forgetKey)
}

async function certificateOf(publicKey: string, mof_div_code: string, principal: string): Promise<string> {
  let cursor: string | undefined
  const now = Date.now()
  do {
    const query = { page_size: 1000, ...(cursor ? { cursor } : {}) }
    const page = await ask(api.GET('/v1/divisions/{mof_div_code}/certificates', { params: { path: { mof_div_code }, query } }))
    const found = page.items.find(
      (each) =>
        each.public_key.toLowerCase() === publicKey &&
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
 * Signs vouchers with the key at hand: asks for their bytes, has them signed, hands in.
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
  const { signer, certSerial } = held.value!
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
  const body = await signedBody(signer, sound, prepared.manifest, [ledger, role])
  const { results } = await ask(api.POST('/v1/ledgers/{ledger}/payments:submit-signature', { params, body }))
  return [...refused, ...results.map((each) => ({ number: sound[each.index]!.pay_app_no, problem: each.problem as Problem | undefined }))]
}

async function signedBody(
  signer: Signer,
  sound: Schemas['PreparedItem'][],
  manifest: Schemas['PreparedManifestView'] | null,
  belongs: string[],
): Promise<Schemas['SubmissionRequest']> {
  if (manifest === null) {
    const signatures = await signer.sign(sound.map((each) => ({ content: each.voucher!, digest: each.digest! })))
    return { items: sound.map((each, at) => ({ pay_app_no: each.pay_app_no, signature: signatures[at]! })) }
  }
  const { text, digest } = manifest
  if (text.split('\n').slice(1, 3).join() !== belongs.join())
    throw new Refused('signature_invalid', { detail: 'the manifest is of another ledger or role' }, 0)
  const [signature] = await signer.sign([{ content: btoa(text), digest, under: sound.map((each) => each.voucher!) }])
  return { manifest: { text, pay_app_nos: sound.map((each) => each.pay_app_no) }, signature: signature! }
}
