/** The API as the console asks it: typed by its own document, with the session's cookie. */

import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Problem = Schemas['Problem']
export type ProblemCode = Schemas['ProblemCode']

/** Where the server stands: the folder above the console's, under whatever prefix. */
export const ROOT = new URL('..', window.location.href.split('#')[0]).href

/** What the API refused, or that it could not be asked (`unreachable`). */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly problem: Partial<Problem>,
    readonly status: number,
  ) {
    super(problem.detail ?? code)
  }
}

let proof = '' // against cross-site requests; in memory alone, a reload asks for it again
let onEnded: () => void = () => undefined

export function setProof(csrf: string): void {
  proof = csrf
}

/** Called when the server no longer knows the session. */
export function whenSessionEnds(act: () => void): void {
  onEnded = act
}

const session: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && proof !== '') request.headers.set('X-CSRF-Token', proof)
    return request
  },
}

export const api = createClient<paths>({ baseUrl: ROOT, credentials: 'same-origin' })
api.use(session)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/**
 * What the API answers, as a value.
 *
 * @param asksWho whether it asks who is logged in: nobody is an answer then, and ends no session.
 * @throws Refused with the problem's code; `unreachable` where there was no answer.
 */
export async function ask<T>(asked: Promise<Answer<T>>, { asksWho = false } = {}): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await asked
  } catch {
    throw new Refused('unreachable', {}, 0)
  }
  if (answer.response.ok) return answer.data as T
  const problem = isProblem(answer.error) ? answer.error : {}
  if (answer.response.status === 401 && !asksWho) onEnded()
  throw new Refused(problem.code ?? 'internal', problem, answer.response.status)
}

function isProblem(error: unknown): error is Partial<Problem> {
  return typeof error === 'object' && error !== null && 'code' in error
}

/** As a Refused, whatever was thrown. */
export function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error
  console.error(error)
  return new Refused('internal', { detail: String(error) }, 0)
}
