/** Registers of a division 基础信息: their lists, and how a row is registered and changed. */

import { api, ask, type Schemas } from '../api/client'
import type { Column } from '../columns'
import type { PageOf } from '../pages'
import { actOf, type Act, type Asked } from './act'
import { ACCOUNT_TYPES, AGENCY_TYPES, coding, RECEIVER_KINDS } from './choices'

export interface Query {
  page_size: number
  cursor?: string
  as_of_effective?: string
}

/** What a screen needs of a register whose rows are `Row`. */
export interface Register<Row> {
  name: string
  key: Extract<keyof Row, string>
  columns: Column<Row>[]
  page: (division: string, query: Query) => Promise<PageOf<Row>>
  one: (division: string, key: string) => Promise<Row>
  register: (division: string) => Act
  change: (division: string, row: Row) => Act
}

type Agency = Schemas['RegisteredAgencyView']
type Account = Schemas['RegisteredAccountView']
type Payee = Schemas['RegisteredPayeeView']
type Card = Schemas['RegisteredCardView']
type Standard = Schemas['RegisteredStandardView']

const FROM = { name: 'start_date', as: 'day' } as const
const UNTIL = { name: 'end_date', as: 'day' } as const
const BETWEEN = [{ name: 'start_date' }, { name: 'end_date' }]

/** The fields of a change begin with what the row says now. */
function asIs<Name extends string>(row: object, ...fields: Asked<Name>[]): Asked<Name>[] {
  const now = row as Record<string, unknown>
  return fields.map((field) => ({ ...field, value: String(now[field.name] ?? '') }))
}

const agencies: Register<Agency> = {
  name: 'agencies',
  key: 'agency_code',
  columns: [
    { name: 'agency_code', as: 'code' },
    { name: 'agency_name', title: 'fields.name' },
    { name: 'agency_type_code', said: (row) => coding(AGENCY_TYPES, row.agency_type_code) },
    { name: 'parent_agency_code', as: 'code' },
    { name: 'mof_dep_code' },
    { name: 'pay_bank_code' },
    ...BETWEEN,
  ],
  page: (mof_div_code, query) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/agencies', { params: { path: { mof_div_code }, query } })),
  one: (mof_div_code, agency_code) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/agencies/{agency_code}', { params: { path: { mof_div_code, agency_code } } })),
  register: (mof_div_code) =>
    actOf<Schemas['RegisterAgencyBody']>({
      title: 'units.registerAgency',
      fields: [
        { name: 'agency_code', needed: true },
        { name: 'agency_name', label: 'fields.name', needed: true },
        { name: 'agency_type_code', as: 'choice', options: AGENCY_TYPES, needed: true },
        { name: 'parent_agency_code' },
        { name: 'unifsoc_cred_code' },
        { name: 'mof_dep_code' },
        { name: 'pay_bank_code' },
        FROM,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/agencies', { params: { path: { mof_div_code } }, body })),
    }),
  change: (mof_div_code, row) =>
    actOf<Schemas['ChangeAgencyBody']>({
      title: 'units.change',
      of: row.agency_code,
      fields: [
        FROM,
        ...asIs(
          row,
          { name: 'agency_name', label: 'fields.name' },
          { name: 'agency_type_code', as: 'choice', options: AGENCY_TYPES },
          { name: 'unifsoc_cred_code' },
          { name: 'mof_dep_code' },
          { name: 'pay_bank_code' },
        ),
        UNTIL,
        { name: 'successor_agency_code' },
      ],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/agencies/{agency_code}/changes', {
            params: { path: { mof_div_code, agency_code: row.agency_code } },
            body,
          }),
        ),
    }),
}

const accounts: Register<Account> = {
  name: 'accounts',
  key: 'acct_no',
  columns: [
    { name: 'acct_no', as: 'code' },
    { name: 'acct_name' },
    { name: 'acc_type_code', said: (row) => coding(ACCOUNT_TYPES, row.acc_type_code) },
    { name: 'agency_code', as: 'code' },
    { name: 'fund_type_code' },
    { name: 'acct_bank_name' },
    { name: 'bank_no' },
    ...BETWEEN,
  ],
  page: (mof_div_code, query) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/accounts', { params: { path: { mof_div_code }, query } })),
  one: (mof_div_code, acct_no) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/accounts/{acct_no}', { params: { path: { mof_div_code, acct_no } } })),
  register: (mof_div_code) =>
    actOf<Schemas['RegisterAccountBody']>({
      title: 'units.registerAccount',
      fields: [
        { name: 'acct_no', needed: true },
        { name: 'acct_name', needed: true },
        { name: 'acc_type_code', as: 'choice', options: ACCOUNT_TYPES, needed: true },
        { name: 'agency_code', hint: 'units.accountOf' },
        { name: 'acct_bank_name', needed: true },
        { name: 'bank_no', needed: true },
        { name: 'fund_type_code' },
        { name: 'pay_bank_code' },
        FROM,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/accounts', { params: { path: { mof_div_code } }, body })),
    }),
  change: (mof_div_code, row) =>
    actOf<Schemas['ChangeAccountBody']>({
      title: 'units.change',
      of: row.acct_no,
      fields: [
        FROM,
        ...asIs(row, { name: 'acct_name' }, { name: 'acct_bank_name' }, { name: 'bank_no' }, { name: 'pay_bank_code' }),
        UNTIL,
      ],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/accounts/{acct_no}/changes', {
            params: { path: { mof_div_code, acct_no: row.acct_no } },
            body,
          }),
        ),
    }),
}

const payees: Register<Payee> = {
  name: 'payees',
  key: 'receiver_code',
  columns: [
    { name: 'receiver_code', as: 'code' },
    { name: 'payee_acct_name' },
    { name: 'payee_acct_no', as: 'code' },
    { name: 'payee_acct_bank_name' },
    { name: 'receiver_kind', said: (row) => coding(RECEIVER_KINDS, row.receiver_kind) },
    ...BETWEEN,
  ],
  page: (mof_div_code, query) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/payees', { params: { path: { mof_div_code }, query } })),
  one: (mof_div_code, receiver_code) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/payees/{receiver_code}', { params: { path: { mof_div_code, receiver_code } } })),
  register: (mof_div_code) =>
    actOf<Schemas['RegisterPayeeBody']>({
      title: 'units.registerPayee',
      fields: [
        { name: 'receiver_code', needed: true },
        { name: 'payee_acct_name', needed: true },
        { name: 'payee_acct_no', needed: true, hint: 'apply.accountHint' },
        { name: 'payee_acct_bank_name', needed: true },
        { name: 'payee_bank_no' },
        { name: 'receiver_kind', as: 'choice', options: RECEIVER_KINDS, needed: true },
        FROM,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/payees', { params: { path: { mof_div_code } }, body })),
    }),
  change: (mof_div_code, row) =>
    actOf<Schemas['ChangePayeeBody']>({
      title: 'units.change',
      of: row.receiver_code,
      fields: [
        FROM,
        ...asIs(
          row,
          { name: 'payee_acct_name' },
          { name: 'payee_acct_no', hint: 'apply.accountHint' },
          { name: 'payee_acct_bank_name' },
          { name: 'payee_bank_no' },
        ),
        UNTIL,
      ],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/payees/{receiver_code}/changes', {
            params: { path: { mof_div_code, receiver_code: row.receiver_code } },
            body,
          }),
        ),
    }),
}

const cards: Register<Card> = {
  name: 'cards',
  key: 'card_no',
  columns: [
    { name: 'card_no', as: 'code' },
    { name: 'holder_name' },
    { name: 'agency_code', as: 'code' },
    { name: 'card_bank_name' },
    { name: 'repay_acct_no', as: 'code' },
    ...BETWEEN,
  ],
  page: (mof_div_code, query) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/cards', { params: { path: { mof_div_code }, query } })),
  one: (mof_div_code, card_no) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/cards/{card_no}', { params: { path: { mof_div_code, card_no } } })),
  register: (mof_div_code) =>
    actOf<Schemas['RegisterCardBody']>({
      title: 'units.registerCard',
      fields: [
        { name: 'card_no', needed: true },
        { name: 'holder_name', needed: true },
        { name: 'agency_code', needed: true },
        { name: 'card_bank_name', needed: true },
        { name: 'repay_acct_no' },
        FROM,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/cards', { params: { path: { mof_div_code } }, body })),
    }),
  change: (mof_div_code, row) =>
    actOf<Schemas['ChangeCardBody']>({
      title: 'units.change',
      of: row.card_no,
      fields: [FROM, ...asIs(row, { name: 'holder_name' }, { name: 'card_bank_name' }, { name: 'repay_acct_no' }), UNTIL],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/cards/{card_no}/changes', {
            params: { path: { mof_div_code, card_no: row.card_no } },
            body,
          }),
        ),
    }),
}

const standards: Register<Standard> = {
  name: 'standards',
  key: 'std_code',
  columns: [
    { name: 'std_code', as: 'code' },
    { name: 'name' },
    { name: 'unit', title: 'units.measure' },
    { name: 'dep_bgt_eco_code', as: 'code' },
    { name: 'amt', as: 'amount' },
    ...BETWEEN,
  ],
  page: (mof_div_code, query) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/standards', { params: { path: { mof_div_code }, query } })),
  one: (mof_div_code, std_code) =>
    ask(api.GET('/v1/divisions/{mof_div_code}/standards/{std_code}', { params: { path: { mof_div_code, std_code } } })),
  register: (mof_div_code) =>
    actOf<Schemas['RegisterStandardBody']>({
      title: 'units.registerStandard',
      fields: [
        { name: 'std_code', needed: true },
        { name: 'name', needed: true },
        { name: 'unit', label: 'units.measure', needed: true },
        { name: 'amt', as: 'amount', needed: true },
        { name: 'dep_bgt_eco_code', needed: true },
        FROM,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/standards', { params: { path: { mof_div_code } }, body })),
    }),
  change: (mof_div_code, row) =>
    actOf<Schemas['ChangeStandardBody']>({
      title: 'units.change',
      of: row.std_code,
      fields: [FROM, ...asIs(row, { name: 'name' }, { name: 'amt', as: 'amount' }), UNTIL],
      send: (body) =>
        ask(
          api.POST('/v1/divisions/{mof_div_code}/standards/{std_code}/changes', {
            params: { path: { mof_div_code, std_code: row.std_code } },
            body,
          }),
        ),
    }),
}

// each is used with its own rows alone
export const REGISTERS = [agencies, accounts, payees, cards, standards] as unknown as Register<
  Record<string, unknown> & { versions: { start_date: string | null }[] }
>[]
