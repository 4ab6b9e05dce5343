/** Which rows of a queue are chosen. */

import { computed, ref, type ComputedRef, type Ref } from 'vue'

export interface Selection {
  chosen: Ref<Set<string>>
  all: ComputedRef<boolean>
  toggle: (key: string) => void
  toggleAll: () => void
  clear: () => void
}

export function useSelection(selectable: () => string[]): Selection {
  const chosen = ref(new Set<string>())
  const all = computed(() => {
    const keys = selectable()
    return keys.length > 0 && keys.every((key) => chosen.value.has(key))
  })
  return {
    chosen,
    all,
    toggle(key) {
      if (!chosen.value.delete(key)) chosen.value.add(key)
    },
    toggleAll() {
      chosen.value = all.value ? new Set() : new Set(selectable())
    },
    clear: () => chosen.value.clear(),
  }
}
