/** Transfers between tiers 转移支付: sent, accepted, returned, reduced. */

import { api, ask, type Schemas } from '../api/client'
import { actOf, type Act } from './act'

export const issueTransfer = (ledger: string) =>
  actOf<Schemas['IssueTransferBody']>({
    title: 'transfers.issue',
    fields: [
      { name: 'transfer_no', needed: true },
      { name: 'rec_div_code', needed: true },
      { name: 'bgt_doc_no', needed: true },
      { name: 'bgt_doc_title' },
      { name: 'tp_func_code', needed: true },
      { name: 'fund_type_code', needed: true, value: '111' },
      { name: 'amt', as: 'amount', needed: true },
      { name: 'bgt_pman_id', hint: 'transfers.ofRow' },
      { name: 'sup_bgt_doc_no', hint: 'transfers.ofDocument' },
      { name: 'pro_code' },
      { name: 'is_dir_code', hint: 'transfers.directHint' },
      { name: 'track_pro_code' },
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/transfers', { params: { path: { ledger } }, body })),
  })

/** What the sender may do with a transfer. */
export function actsOnSent(ledger: string, transfer: Schemas['TransferView']): Act[] {
  if (transfer.status === 'returned') return []
  return [
    actOf<Schemas['ReduceTransferBody']>({
      title: 'transfers.reduce',
      of: transfer.transfer_no,
      fields: [
        { name: 'reduce_no', needed: true },
        { name: 'amt', as: 'amount', needed: true },
        { name: 'reason', as: 'long', wide: true },
      ],
      send: (body) =>
        ask(
          api.POST('/v1/ledgers/{ledger}/transfers/{transfer_no}/reduce', {
            params: { path: { ledger, transfer_no: transfer.transfer_no } },
            body,
          }),
        ),
    }),
  ]
}

/** What the receiver may do with a transfer. */
export function actsOnReceived(ledger: string, { sup_bgt_doc_no, status }: Schemas['ReceivedTransferView']): Act[] {
  const params = { path: { ledger, sup_bgt_doc_no } }
  if (status === 'returned') return []
  return [
    ...(status === 'received'
      ? [
          actOf<Schemas['AcceptTransferBody']>({
            title: 'transfers.accept',
            of: sup_bgt_doc_no,
            fields: [{ name: 'rec_no', needed: true }],
            send: (body) => ask(api.POST('/v1/ledgers/{ledger}/transfers/received/{sup_bgt_doc_no}/accept', { params, body })),
          }),
        ]
      : []),
    actOf<Schemas['GiveBackTransferBody']>({
      title: 'transfers.giveBack',
      of: sup_bgt_doc_no,
      fields: [
        { name: 'return_no', needed: true },
        { name: 'reason', as: 'long', wide: true },
      ],
      send: (body) => ask(api.POST('/v1/ledgers/{ledger}/transfers/received/{sup_bgt_doc_no}/return', { params, body })),
    }),
  ]
}
