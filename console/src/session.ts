/**
 * Who is logged in. The session is a cookie that no script can read; what is kept here of it is
 * gone with the page, and a reload asks the server for it again.
 */

import { computed, reactive } from 'vue'
import { forgetAllKept } from './kept'
import { forgetKey, keepKey } from './own_key'
import type { Signer } from './signer'
import { api, ask, Refused, setProof, type Schemas } from './api/client'

type Session = Schemas['SessionView']
export type Person = Omit<Session, 'csrf'>

const state = reactive<{ person: Person | null }>({ person: null })

export const person = computed(() => state.person)

/** Whether the person holds one of the roles. */
export function mayAs(...roles: string[]): boolean {
  const held: readonly string[] = state.person?.roles ?? []
  return roles.some((role) => held.includes(role))
}

/** Logs in with a token, which is sent once and kept nowhere. */
export async function logIn(token: string): Promise<void> {
  begin(await ask(api.POST('/v1/sessions', { body: { token } }), { asksWho: true }))
}

/** Logs in with one's own key, which signs a number that the server has given. */
export async function logInWithKey(signer: Signer, typed: string): Promise<void> {
  const principal = signer.principal || typed
  const { nonce } = await ask(api.POST('/v1/sessions/nonce', { body: { principal } }), { asksWho: true })
  const [signature] = await signer.sign([{ content: btoa(nonce) }])
  const body = { principal, nonce, signature: signature!, ...(signer.certSerial ? { cert_serial: signer.certSerial } : {}) }
  begin(await ask(api.POST('/v1/sessions', { body }), { asksWho: true }))
  keepKey(signer)
}

/** Goes on with the session that the browser's cookie names; false where there is none. */
export async function resume(): Promise<boolean> {
  if (state.person !== null) return true
  const asked = api.GET('/v1/sessions/current')
  const found = await ask(asked, { asksWho: true }).catch((error: unknown) => {
    if (error instanceof Refused && error.status === 401) return null
    throw error
  })
  if (found !== null) begin(found)
  return found !== null
}

export async function logOut(): Promise<void> {
  forgetAllKept()
  try {
    await ask(api.DELETE('/v1/sessions/current'))
  } finally {
    forget()
  }
}

export function forget(): void {
  forgetKey()
  state.person = null
  setProof('')
}

function begin({ csrf, ...found }: Session): void {
  setProof(csrf)
  state.person = found
}
