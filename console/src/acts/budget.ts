/** What is done to a unit's draft of the budget, and to its rows. */

import { api, ask, type Schemas } from '../api/client'
import { actOf, type Act } from './act'

/** The acts that a draft takes in its state, for `me`: who made a draft does not approve it. */
export function actsOnDraft(
  ledger: string,
  draft: Schemas['DraftView'],
  me: string,
  mayAs: (...roles: string[]) => boolean,
): Act[] {
  const { draft_no, state } = draft
  const params = { path: { ledger, draft_no } }
  const level = state === 'submitted' && mayAs('unit_checker') ? 'dept' : 'mof'
  const mayCheck = mayAs('treasury_checker') || (state === 'submitted' && mayAs('unit_checker'))
  const found: Act[] = []
  if (state === 'draft' && mayAs('unit'))
    found.push({
      title: 'budget.submit',
      of: draft_no,
      fields: [],
      send: () => ask(api.POST('/v1/ledgers/{ledger}/budget-drafts/{draft_no}/submit', { params, body: {} })),
    })
  if (['submitted', 'checked'].includes(state) && mayCheck)
    found.push(
      {
        title: 'budget.check',
        of: draft_no,
        fields: [],
        send: () => ask(api.POST('/v1/ledgers/{ledger}/budget-drafts/{draft_no}/check', { params, body: { level } })),
      },
      actOf<Schemas['ReturnDraftBody']>({
        title: 'review.returned',
        of: draft_no,
        fields: [{ name: 'reason', as: 'long', needed: true, wide: true }],
        send: (body) => ask(api.POST('/v1/ledgers/{ledger}/budget-drafts/{draft_no}/return', { params, body })),
      }),
    )
  if (state === 'checked' && mayAs('treasury_maker', 'admin') && draft.by !== me)
    found.push(
      actOf<Omit<Schemas['ApproveBudgetBody'], 'draft_nos'>>({
        title: 'budget.approve',
        of: draft_no,
        fields: [
          { name: 'approve_doc_no', needed: true },
          { name: 'approved_on', as: 'day', needed: true },
        ],
        send: (body) =>
          ask(
            api.POST('/v1/ledgers/{ledger}/budget-approvals', {
              params: { path: { ledger } },
              body: { ...body, draft_nos: [draft_no] },
            }),
          ),
      }),
    )
  return found
}

export const setCeiling = (ledger: string) =>
  actOf<Schemas['SetCeilingBody']>({
    title: 'budget.ceiling',
    fields: [
      { name: 'ceiling_no', needed: true },
      { name: 'agency_code', needed: true },
      { name: 'fund_type_code', needed: true, value: '111' },
      { name: 'pro_cat_code', needed: true },
      { name: 'amt', as: 'amount', needed: true },
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/ceilings', { params: { path: { ledger } }, body })),
  })
