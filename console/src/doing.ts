/** An act of the page on what it shows: under way, refused, or done and shown again. */

import { shallowRef, type ShallowRef } from 'vue'
import { asRefused, type Refused } from './api/client'

export interface Doing {
  busy: ShallowRef<boolean>
  refused: ShallowRef<Refused | undefined>
  /** Does it, and then `afterwards`, which is told whether it was done; a refusal is in `refused`. */
  run: (act: () => Promise<unknown>) => Promise<void>
}

export function useDoing(afterwards: (done: boolean) => unknown): Doing {
  const busy = shallowRef(false)
  const refused = shallowRef<Refused>()
  async function run(act: () => Promise<unknown>): Promise<void> {
    busy.value = true
    refused.value = undefined
    try {
      await act()
    } catch (error) {
      refused.value = asRefused(error)
    } finally {
      busy.value = false
      await afterwards(refused.value === undefined)
    }
  }
  return { busy, refused, run }
}
