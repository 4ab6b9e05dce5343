/** A form's fields with what is wrong with each: said by the page before, by the API after. */

import { nextTick, reactive, ref, type Ref } from 'vue'
import { asRefused, type Refused } from './api/client'
import { explained, fieldOf } from './words'

/** Fields that a refusal is about where it points at none. */
const BY_CODE: Record<string, string[]> = {
  insufficient_indicator: ['pay_amt', 'amt'],
  insufficient_plan: ['pay_amt', 'plan_amt', 'amt'],
  insufficient_cash: ['pay_amt', 'amt'],
  insufficient_budget: ['amount', 'amt'],
  insufficient_ceiling: ['amt'],
  invalid_amount: ['pay_amt', 'amt', 'amount', 'refund_amt', 'plan_amt'],
  refund_exceeds_paid: ['refund_amt'],
  correction_exceeds_paid: ['amt'],
  transfer_allotted: ['amt'],
  indicator_not_found: ['bgt_id', 'to_bgt_id'],
  indicator_not_executable: ['bgt_id', 'to_bgt_id'],
  payment_not_found: ['pay_app_no'],
  contract_not_found: ['contract_no'],
  contract_required: ['contract_no'],
  insufficient_contract: ['contract_no'],
  confirmation_required: ['monitor_reason'],
  future_date: ['effective_on'],
  period_closed: ['effective_on'],
}

export interface Form<T> {
  fields: T
  errors: Record<string, string | undefined>
  refused: Ref<Refused | undefined>
  busy: Ref<boolean>
  /** Does the act; true if it was accepted, else the field that is wrong has the focus. */
  submit: (act: () => Promise<void>) => Promise<boolean>
  wrong: (name: string, said: string) => void
  clear: () => void
}

export function useForm<T extends Record<string, unknown>>(initial: T): Form<T> {
  const fields = reactive({ ...initial }) as T
  const errors = reactive<Record<string, string | undefined>>({})
  const refused = ref<Refused>()
  const busy = ref(false)

  function clear(): void {
    for (const name of Object.keys(errors)) delete errors[name]
    refused.value = undefined
  }
  async function focus(name: string): Promise<void> {
    await nextTick()
    document.getElementById(`field-${name}`)?.focus()
  }
  function wrong(name: string, said: string): void {
    if (Object.keys(errors).length === 0) void focus(name)
    errors[name] = said
  }
  async function submit(act: () => Promise<void>): Promise<boolean> {
    busy.value = true
    refused.value = undefined
    try {
      await act()
      return true
    } catch (error) {
      const found = asRefused(error)
      refused.value = found
      const named = [fieldOf(found), ...(BY_CODE[found.code] ?? [])].find((name) => name in fields)
      if (named !== undefined) wrong(named, explained(found))
      return false
    } finally {
      busy.value = false
    }
  }
  return { fields, errors, refused, busy, submit, wrong, clear }
}
