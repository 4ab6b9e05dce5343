/** Which ledgers there are for the person, and which one is shown. */

import { computed, shallowRef } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask, type Schemas } from './api/client'

export type Ledger = Schemas['LedgerView']

const known = shallowRef<Ledger[]>([])
const PAGE_SIZE = 1000

export const ledgers = computed(() => known.value)

/** Asks anew which ledgers there are: the newest year first. */
export async function readLedgers(): Promise<Ledger[]> {
  const { items } = await ask(
    api.GET('/v1/ledgers', { params: { query: { page_size: PAGE_SIZE } } }),
  )
  known.value = items
    .filter((each) => each.fiscal_year > 0)
    .sort((a, b) => b.fiscal_year - a.fiscal_year || a.ledger.localeCompare(b.ledger))
  return known.value
}

/** The ledger that is shown where none was asked for; null where there is none. */
export async function defaultLedger(): Promise<string | null> {
  return (await readLedgers())[0]?.ledger ?? null
}

/** The ledger of the address, e.g. "440000000-2026". */
export function useLedger() {
  const route = useRoute()
  const ledger = computed(() => String(route.params.ledger ?? ''))
  return {
    ledger,
    division: computed(() => ledger.value.split('-')[0]!),
    year: computed(() => ledger.value.split('-')[1]!),
  }
}
