/** What is done to a disbursement run 批量支付 on its way. */

import { api, ask, type Schemas } from '../api/client'
import type { SigningRole } from '../waiting'
import { actOf } from './act'

export const openRun = (ledger: string, bgt_id: string) =>
  actOf<Schemas['OpenRequest']>({
    title: 'runs.open',
    fields: [
      { name: 'run_no', needed: true },
      { name: 'bgt_id', needed: true, value: bgt_id },
      { name: 'title', label: 'runs.name', needed: true },
      { name: 'use_des', label: 'fields.use_des' },
      { name: 'effective_on', as: 'day' },
    ],
    send: (body) => ask(api.POST('/v1/ledgers/{ledger}/disbursements', { params: { path: { ledger } }, body })),
  })

/** Approves just the lines that the checker has before him. */
export const approveRun = (ledger: string, run: Schemas['RunView'], repeated: string[]) =>
  actOf<{ repeats_run_no?: string }>({
    title: 'runs.approve',
    of: run.run_no,
    fields: repeated.length
      ? [
          {
            name: 'repeats_run_no',
            as: 'choice',
            options: repeated.map((value) => ({ value, said: value })),
            hint: 'runs.repeatsHint',
          },
        ]
      : [],
    send: (body) =>
      ask(
        api.POST('/v1/ledgers/{ledger}/disbursements/{run_no}/approve', {
          params: { path: { ledger, run_no: run.run_no } },
          body: { ...body, lines_sm3: run.lines_sm3 },
        }),
      ),
  })

export const executeRun = (ledger: string, run_no: string, role: SigningRole) =>
  ask(api.POST('/v1/ledgers/{ledger}/disbursements/{run_no}/execute', { params: { path: { ledger, run_no } }, body: { role } }))

export const stopRun = (ledger: string, run_no: string) =>
  actOf<Schemas['StopRequest']>({
    title: 'runs.stop',
    of: run_no,
    fields: [{ name: 'reason', as: 'long', wide: true }],
    send: (body) =>
      ask(api.POST('/v1/ledgers/{ledger}/disbursements/{run_no}/stop', { params: { path: { ledger, run_no } }, body })),
  })

export const closeRun = (ledger: string, run_no: string) =>
  actOf<Record<never, never>>({
    title: 'runs.close',
    of: run_no,
    fields: [],
    send: () => ask(api.POST('/v1/ledgers/{ledger}/disbursements/{run_no}/close', { params: { path: { ledger, run_no } } })),
  })
