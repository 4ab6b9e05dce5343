/** Clearing 清算 with the central bank, and reconciliation 对账 with what banks say. */

import { api, ask, type Schemas } from '../api/client'
import { today } from '../days'
import { actOf } from './act'

export const requestClearing = (ledger: string, pay_bank_code: string) =>
  actOf<Schemas['RequestClearingBody']>({
    title: 'settling.request',
    fields: [
      { name: 'clear_no', needed: true },
      { name: 'clear_date', as: 'day', needed: true, value: today() },
      { name: 'pay_bank_code', needed: true, value: pay_bank_code },
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/clearings', { params: { path: { ledger } }, body })),
  })

export const compareAgain = (ledger: string, recon_no: string) =>
  actOf<Schemas['CompareReconciliationBody']>({
    title: 'settling.compare',
    of: recon_no,
    fields: [{ name: 'compare_no', needed: true }],
    send: (body) =>
      ask(api.POST('/v1/ledgers/{ledger}/reconciliations/{recon_no}/compare', { params: { path: { ledger, recon_no } }, body })),
  })

export const confirmReconciliation = (ledger: string, found: Schemas['ReconciliationWithDifferences']) =>
  actOf<Schemas['ConfirmReconciliationBody']>({
    title: 'settling.confirm',
    of: found.recon_no,
    fields: [{ name: 'reason', as: 'long', needed: found.state === 'differs', wide: true }],
    send: (body) =>
      ask(
        api.POST('/v1/ledgers/{ledger}/reconciliations/{recon_no}/confirm', {
          params: { path: { ledger, recon_no: found.recon_no } },
          body,
        }),
      ),
  })
