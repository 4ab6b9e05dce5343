/** Money that comes back 退款, is moved to another indicator 更正, or came and is not understood 待处理. */

import { api, ask, type Schemas } from '../api/client'
import { actOf, type Asked } from './act'

const reason = { name: 'reason', as: 'long', needed: true, wide: true } as const

/** The line that is meant, of a payment that has several. */
function lineOf(payment: Schemas['PaymentView'] | undefined): Asked<'pay_detail_id'>[] {
  if (payment === undefined || payment.details.length < 2) return []
  const options = payment.details.map((line) => ({
    value: line.pay_detail_id,
    said: `${line.pay_detail_id} ${line.payee_acct_name} ${line.pay_amt}`,
  }))
  return [{ name: 'pay_detail_id', as: 'choice', options }]
}

export const askForRefund = (ledger: string, payment: Schemas['PaymentView']) =>
  actOf<Schemas['RefundPaymentBody']>({
    title: 'returns.refund',
    of: payment.pay_app_no,
    fields: [
      { name: 'refund_no', needed: true },
      { name: 'refund_amt', as: 'amount', needed: true },
      ...lineOf(payment),
      reason,
    ],
    send: (body) =>
      ask(
        api.POST('/v1/ledgers/{ledger}/payments/{pay_app_no}/refunds', {
          params: { path: { ledger, pay_app_no: payment.pay_app_no } },
          body,
        }),
      ),
  })

export const correct = (ledger: string, payment?: Schemas['PaymentView']) =>
  actOf<Schemas['CorrectPaymentBody']>({
    title: 'returns.correct',
    fields: [
      { name: 'cor_no', needed: true },
      { name: 'pay_app_no', needed: true, value: payment?.pay_app_no ?? '' },
      ...lineOf(payment),
      { name: 'from_bgt_id' },
      { name: 'to_bgt_id', needed: true },
      { name: 'amt', as: 'amount', needed: true },
      reason,
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/corrections', { params: { path: { ledger } }, body })),
  })

export const resolveSuspense = (ledger: string, suspense: Schemas['SuspenseView']) =>
  actOf<Schemas['ResolveSuspenseBody']>({
    title: 'settling.resolve',
    of: suspense.suspense_no,
    fields: [
      { name: 'pay_app_no' },
      { name: 'pay_detail_id' },
      { name: 'is_none_of_ours', as: 'flag', label: 'settling.noneOfOurs' },
      { name: 'reason', as: 'long', wide: true },
    ],
    send: ({ is_none_of_ours, ...body }) =>
      ask(
        api.POST('/v1/ledgers/{ledger}/suspense/{suspense_no}/resolve', {
          params: { path: { ledger, suspense_no: suspense.suspense_no } },
          body: is_none_of_ours ? { ...body, is_none_of_ours } : body,
        }),
      ),
  })
