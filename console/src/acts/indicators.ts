/** What is done to indicators 指标: issued, adjusted, planned. */

import { api, ask, type Schemas } from '../api/client'
import { actOf } from './act'

export const issueIndicator = (ledger: string) =>
  actOf<Schemas['IssueIndicatorBody']>({
    title: 'indicators.issue',
    fields: [
      { name: 'bgt_id', needed: true },
      { name: 'agency_code', needed: true },
      { name: 'pro_code', needed: true },
      { name: 'exp_func_code', needed: true },
      { name: 'gov_bgt_eco_code', needed: true },
      { name: 'dep_bgt_eco_code' },
      { name: 'fund_type_code', needed: true, value: '111' },
      { name: 'bgt_type_code', needed: true, value: '21' },
      { name: 'amount', as: 'amount', needed: true },
      { name: 'cor_bgt_doc_no' },
      { name: 'bgt_pman_id' },
      { name: 'is_contrlbyplan', as: 'flag' },
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/indicators', { params: { path: { ledger } }, body })),
  })

export const setPlan = (ledger: string, bgt_id: string, month: number) =>
  actOf<Schemas['SetPlanBody']>({
    title: 'plans.set',
    of: bgt_id,
    fields: [
      { name: 'plan_voucher_no', needed: true },
      { name: 'plan_month', as: 'whole', needed: true, value: String(month) },
      { name: 'plan_amt', as: 'change', needed: true, hint: 'plans.changeHint' },
    ],
    send: (body) =>
      ask(api.POST('/v1/ledgers/{ledger}/indicators/{bgt_id}/plans', { params: { path: { ledger, bgt_id } }, body })),
  })
