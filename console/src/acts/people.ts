/** Persons and their rights, certificates, banks: standing data that a security officer or a checker agrees to. */

import { api, ask, type Schemas } from '../api/client'
import { today } from '../days'
import { nameOf } from '../words'
import { actOf, type Act, type Asked } from './act'

export const ROLES: Schemas['PersonRole'][] = [
  'unit', 'unit_checker', 'treasury_maker', 'treasury_checker', 'finance_first', 'finance_second', 'treasury',
  'accountant', 'accountant_checker', 'security_officer', 'auditor', 'ops', 'bank', 'admin',
]

function rolesAsked(held: readonly string[] = []): Asked<'roles'> {
  const options = ROLES.map((value) => ({ value, said: nameOf('roles', value) }))
  return { name: 'roles', as: 'many', needed: true, options, value: held.join(' ') }
}
/** Codes of units are typed parted by blanks or commas. */
function listed(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,，、]+/).filter(Boolean)
}
const UNITS = { name: 'agency_prefixes', label: 'system.agencies', hint: 'system.agenciesHint' } as const
interface Typed {
  agency_prefixes?: string
}

export const registerPerson = (mof_div_code: string) =>
  actOf<Omit<Schemas['RegisterPersonBody'], 'agency_prefixes'> & Typed>({
    title: 'system.register',
    fields: [
      { name: 'principal', needed: true },
      { name: 'name', needed: true },
      rolesAsked(),
      UNITS,
      { name: 'valid_until', as: 'day' },
    ],
    send: (body) =>
      ask(
        api.POST('/v1/divisions/{mof_div_code}/persons', {
          params: { path: { mof_div_code } },
          body: { ...body, agency_prefixes: listed(body.agency_prefixes) },
        }),
      ),
  })

/** What may be told of a person: other rights, or that they end. */
export function actsOnPerson(mof_div_code: string, person: Schemas['PersonView']): Act[] {
  if (person.has_ended) return []
  const params = { path: { mof_div_code, principal: person.principal } }
  return [
    actOf<Omit<Schemas['SetRightsBody'], 'agency_prefixes'> & Typed>({
      title: 'system.rights',
      of: person.principal,
      fields: [
        rolesAsked(person.roles),
        { ...UNITS, value: person.agency_prefixes.join(' ') },
        { name: 'valid_until', as: 'day', value: person.valid_until.slice(0, 10) },
      ],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/persons/{principal}/rights', {
            params,
            body: { ...body, agency_prefixes: listed(body.agency_prefixes) },
          }),
        ),
    }),
    actOf<Schemas['EndRightsBody']>({
      title: 'system.endRights',
      of: person.principal,
      fields: [{ name: 'reason', as: 'long', wide: true }],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/persons/{principal}/end', { params, body })),
    }),
  ]
}

/** A day as the moment at which it begins, or ends, in Beijing. */
const begins = (day: string) => `${day}T00:00:00+08:00`
const ends = (day: string) => `${day}T23:59:59+08:00`

export const registerCertificate = (mof_div_code: string) =>
  actOf<Schemas['CertificateRequest']>({
    title: 'system.registerCertificate',
    fields: [
      { name: 'principal', hint: 'system.orBank' },
      { name: 'pay_bank_code' },
      { name: 'public_key', as: 'long', needed: true, wide: true, hint: 'system.keyHint' },
      { name: 'valid_from', as: 'day', needed: true, value: today() },
      { name: 'valid_until', as: 'day', needed: true },
    ],
    send: (body) =>
      ask(
        api.POST('/v1/divisions/{mof_div_code}/certificates', {
          params: { path: { mof_div_code } },
          body: { ...body, valid_from: begins(body.valid_from), valid_until: ends(body.valid_until) },
        }),
      ),
  })

export function actsOnCertificate(mof_div_code: string, { cert_serial, revoked_at }: Schemas['DivisionCertificateView']): Act[] {
  if (revoked_at !== null) return []
  return [
    {
      title: 'system.revoke',
      of: cert_serial,
      fields: [],
      send: () =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/certificates/{cert_serial}/revoke', {
            params: { path: { mof_div_code, cert_serial } },
          }),
        ),
    },
  ]
}

export const appointBank = (mof_div_code: string) =>
  actOf<Schemas['AppointBankBody']>({
    title: 'channels.appoint',
    fields: [
      { name: 'pay_bank_code', needed: true },
      { name: 'name', needed: true },
      { name: 'url', label: 'channels.url', needed: true, wide: true },
      { name: 'cert_serial', needed: true },
      { name: 'start_date', as: 'day', needed: true, value: today() },
    ],
    send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/banks', { params: { path: { mof_div_code } }, body })),
  })

export function actsOnBank(mof_div_code: string, bank: Schemas['BankView']): Act[] {
  if (bank.end_date !== null) return []
  const params = { path: { mof_div_code, pay_bank_code: bank.pay_bank_code } }
  const now = bank.channels.at(-1)
  return [
    actOf<Schemas['ChangeBankBody']>({
      title: 'units.change',
      of: bank.pay_bank_code,
      fields: [
        { name: 'start_date', as: 'day', needed: true, value: today() },
        { name: 'name', value: now?.name ?? '' },
        { name: 'url', label: 'channels.url', value: now?.url ?? '', wide: true },
        { name: 'cert_serial', value: now?.cert_serial ?? '' },
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/banks/{pay_bank_code}/changes', { params, body })),
    }),
    actOf<Schemas['EndBankBody']>({
      title: 'channels.end',
      of: bank.pay_bank_code,
      fields: [{ name: 'end_date', as: 'day', needed: true }],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/banks/{pay_bank_code}/end', { params, body })),
    }),
  ]
}
