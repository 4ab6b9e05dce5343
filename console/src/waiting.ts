/** What waits for the person who is logged in: documents, applications to check, vouchers to sign. */

import type { Ref } from 'vue'
import { api, ask, type Schemas } from './api/client'
import { useAsking, type Asking } from './asking'
import { mayAs, person } from './session'

type Document = Schemas['DocumentItem']
const COUNTED = 200 // more are "200+"
const FIRST = 4
export const SIGNING_ROLES = ['unit', 'finance_first', 'finance_second', 'treasury'] as const
export type SigningRole = (typeof SIGNING_ROLES)[number]

export interface Waits {
  key: string
  what: string
  number: string
  by: string
  amt: string
}

export interface WaitingGroup {
  tab: string
  title: string
  count: number
  more: boolean
  first: Waits[]
}

/** Whether it is the person's turn: the next role is his, and he has not submitted it himself. */
export function isMyTurn(document: Document): boolean {
  const [next] = document.awaits
  return next !== undefined && mayAs(next) && document.by !== person.value?.principal
}

/** The roles in which the person signs vouchers. */
export function mySigningRoles(): SigningRole[] {
  return SIGNING_ROLES.filter((role) => mayAs(role))
}

/** The amount that a document is about, "" where it is about none. */
export function amountOf(document: Document): string {
  const asks = document.asks as Record<string, unknown>
  const found = ['amount', 'adj_amt', 'amt', 'refund_amt', 'pay_amt'].find(
    (name) => typeof asks[name] === 'string' && /^-?\d+\.\d\d$/.test(asks[name] as string),
  )
  return found === undefined ? '' : (asks[found] as string)
}

export function useWaiting(
  ledger: Ref<string>,
  division: Ref<string>,
): Asking<{ groups: WaitingGroup[] }> {
  return useAsking(async () => {
    const groups = await Promise.all([
      documents('documents', 'workbench.documents', ofLedger(ledger.value)),
      documents('division', 'review.divisionDocuments', ofDivision(division.value)),
      payments(ledger.value, 'applied', mayAs('treasury_checker')),
      payments(ledger.value, 'approved', mySigningRoles().length > 0),
    ])
    return { groups }
  })
}

async function documents(
  tab: string,
  title: string,
  asked: Promise<{ items: Document[]; next_cursor?: string | null }>,
): Promise<WaitingGroup> {
  const page = await asked.catch(() => ({ items: [], next_cursor: null }))
  const mine = page.items.filter(isMyTurn)
  const first = mine.slice(0, FIRST).map((each) => ({
    key: each.kind + each.number,
    what: each.kind,
    number: each.number,
    by: each.by,
    amt: amountOf(each),
  }))
  return { tab, title, count: mine.length, more: Boolean(page.next_cursor), first }
}

async function payments(
  ledger: string,
  status: 'applied' | 'approved',
  mine: boolean,
): Promise<WaitingGroup> {
  const title = `workbench.${status}`
  if (!mine) return { tab: status, title, count: 0, more: false, first: [] }
  const page = await ask(
    api.GET('/v1/ledgers/{ledger}/payments', {
      params: { path: { ledger }, query: { status, page_size: COUNTED } },
    }),
  )
  const first = page.items.slice(0, FIRST).map((each) => ({
    key: each.pay_app_no,
    what: 'payment.apply',
    number: each.pay_app_no,
    by: each.payee_acct_name,
    amt: each.pay_amt,
  }))
  const more = Boolean(page.next_cursor)
  return { tab: status, title, count: page.items.length, more, first }
}

export function ofLedger(ledger: string, cursor?: string) {
  const query = { state: 'submitted' as const, page_size: COUNTED, ...(cursor ? { cursor } : {}) }
  return ask(api.GET('/v1/ledgers/{ledger}/documents', { params: { path: { ledger }, query } }))
}

export function ofDivision(division: string, cursor?: string) {
  const query = { state: 'submitted' as const, page_size: COUNTED, ...(cursor ? { cursor } : {}) }
  return ask(
    api.GET('/v1/divisions/{mof_div_code}/documents', {
      params: { path: { mof_div_code: division }, query },
    }),
  )
}
