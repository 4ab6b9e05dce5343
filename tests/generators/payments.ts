// What a program in TypeScript says with the generated types; compiled by tests/test_http_clients.py.
import type { components, operations, paths } from "./api";

type Payment = components["schemas"]["PaymentView"];
type Problem = components["schemas"]["Problem"];
type Application = operations["payment.apply"]["requestBody"]["content"]["application/json"];
type Page =
  paths["/v1/ledgers/{ledger}/payments"]["get"]["responses"]["200"]["content"]["application/json"];

export const application: Application = {
  pay_app_no: "SQ-440000-20260302-00001",
  bgt_id: "B-2026-0001",
  pay_amt: "1234.56",
  use_des: "办公用品",
  payee_acct_name: "样例办公用品有限公司",
  payee_acct_no: "6222000000000000001",
  payee_acct_bank_name: "样例银行广州分行",
};

export function isPaid(payment: Payment): boolean {
  const paid: components["schemas"]["PaymentStatus"] = "paid";
  return payment.status === paid;
}

export function numbersOf(page: Page): string[] {
  return page.items.map((item) => item.pay_app_no);
}

export function isTooMuch(problem: Problem): boolean {
  return problem.code === "insufficient_indicator";
}
