/** What a screen shows while it asks, when it was answered, and when it was refused. */

import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { asRefused, type Refused } from './api/client'

const SLOW_MS = 250 // what comes sooner flickers if one says that it is awaited

export interface Asking<T> {
  value: ShallowRef<T | undefined>
  problem: ShallowRef<Refused | undefined>
  busy: ShallowRef<boolean>
  /** It takes long enough to say so. */
  slow: ShallowRef<boolean>
  /** Asks (again); a later question's answer is never overtaken by an earlier one's. */
  again: () => Promise<void>
}

export function useAsking<T>(question: () => Promise<T>): Asking<T> {
  const value = shallowRef<T>()
  const problem = shallowRef<Refused>()
  const busy = shallowRef(false)
  const slow = shallowRef(false)
  let asked = 0
  onScopeDispose(() => (asked = -1))

  async function again(): Promise<void> {
    const mine = ++asked
    busy.value = true
    const timer = setTimeout(() => (slow.value = mine === asked), SLOW_MS)
    try {
      const found = await question()
      if (mine === asked) [value.value, problem.value] = [found, undefined]
    } catch (error) {
      if (mine === asked) problem.value = asRefused(error)
    } finally {
      clearTimeout(timer)
      if (mine === asked) busy.value = slow.value = false
    }
  }
  return { value, problem, busy, slow, again }
}
