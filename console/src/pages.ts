/** A list of the API a page at a time: its cursor goes forward, the way back is remembered here. */

import { computed, ref, type ComputedRef } from 'vue'
import { useAsking, type Asking } from './asking'

export interface PageOf<T> {
  items: T[]
  next_cursor?: string | null
}

export interface Pages<T> extends Asking<PageOf<T>> {
  number: ComputedRef<number>
  hasNext: ComputedRef<boolean>
  next: () => Promise<void>
  previous: () => Promise<void>
  /** From the first page on: after the filter has changed. */
  first: () => Promise<void>
}

export function usePages<T>(page: (cursor: string | undefined) => Promise<PageOf<T>>): Pages<T> {
  const cursors = ref<(string | undefined)[]>([undefined])
  const asking = useAsking(() => page(cursors.value.at(-1)))
  const following = computed(() => asking.value.value?.next_cursor ?? undefined)
  return {
    ...asking,
    number: computed(() => cursors.value.length),
    hasNext: computed(() => following.value !== undefined),
    async next() {
      cursors.value.push(following.value)
      await asking.again()
    },
    async previous() {
      if (cursors.value.length > 1) cursors.value.pop()
      await asking.again()
    },
    async first() {
      cursors.value = [undefined]
      await asking.again()
    },
  }
}
