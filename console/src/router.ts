/**
 * Addresses of screens stand behind `#`, so that the server has one page alone and the console works
 * under any prefix. The ledger is the first part: an address that is passed on shows the same.
 */

import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'
import { defaultLedger } from './ledgers'
import { resume } from './session'
import { i18n } from './words'

const screens: RouteRecordRaw[] = [
  { path: '', name: 'workbench', component: () => import('./views/WorkbenchView.vue') },
  { path: 'indicators', name: 'indicators', component: () => import('./views/IndicatorsView.vue') },
  {
    path: 'indicators/:bgtId',
    name: 'indicator',
    component: () => import('./views/IndicatorView.vue'),
    meta: { under: 'indicators' },
  },
  { path: 'projects', name: 'projects', component: () => import('./views/ProjectsView.vue') },
  {
    path: 'projects/:proCode',
    name: 'project',
    component: () => import('./views/ProjectView.vue'),
    meta: { under: 'projects' },
  },
  { path: 'budget', name: 'budget', component: () => import('./views/BudgetView.vue') },
  { path: 'plans', name: 'plans', component: () => import('./views/PlansView.vue') },
  { path: 'units', name: 'units', component: () => import('./views/UnitsView.vue') },
  { path: 'apply', name: 'apply', component: () => import('./views/ApplyView.vue') },
  { path: 'review', name: 'review', component: () => import('./views/ReviewView.vue') },
  { path: 'signing', name: 'signing', component: () => import('./views/SigningView.vue') },
  { path: 'transfers', name: 'transfers', component: () => import('./views/TransfersView.vue') },
  { path: 'runs', name: 'runs', component: () => import('./views/RunsView.vue') },
  { path: 'runs/:runNo', name: 'run', component: () => import('./views/RunView.vue'), meta: { under: 'runs' } },
  { path: 'returns', name: 'returns', component: () => import('./views/ReturnsView.vue') },
  { path: 'settling', name: 'settling', component: () => import('./views/SettlingView.vue') },
  {
    path: 'clearings/:clearNo',
    name: 'clearing',
    component: () => import('./views/ClearingView.vue'),
    meta: { under: 'settling' },
  },
  {
    path: 'reconciliations/:reconNo',
    name: 'reconciliation',
    component: () => import('./views/ReconciliationView.vue'),
    meta: { under: 'settling' },
  },
  { path: 'payments', name: 'payments', component: () => import('./views/PaymentsView.vue') },
  {
    path: 'payments/:payAppNo',
    name: 'payment',
    component: () => import('./views/PaymentView.vue'),
    meta: { under: 'payments' },
  },
  {
    path: 'payments/:payAppNo/print',
    name: 'payment-print',
    component: () => import('./views/PaymentPrintView.vue'),
    meta: { under: 'payments' },
  },
  { path: 'books', name: 'books', component: () => import('./views/BooksView.vue') },
  {
    path: 'journals',
    name: 'journals',
    component: () => import('./views/JournalsView.vue'),
    meta: { under: 'books' },
  },
  { path: 'closing', name: 'closing', component: () => import('./views/ClosingView.vue') },
  { path: 'audit', name: 'audit', component: () => import('./views/AuditView.vue') },
  { path: 'channels', name: 'channels', component: () => import('./views/ChannelsView.vue') },
  { path: 'system', name: 'system', component: () => import('./views/SystemView.vue') },
]

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/login', name: 'login', component: () => import('./views/LoginView.vue') },
    { path: '/', name: 'start', component: () => import('./views/StartView.vue') },
    { path: '/:ledger', component: () => import('./views/ShellView.vue'), children: screens },
  ],
})

router.beforeEach(async (to) => {
  if (to.name === 'login') return true
  try {
    if (!(await resume())) return { name: 'login', query: to.path === '/' ? {} : { to: to.fullPath } }
  } catch {
    return to.name === 'start' ? true : { name: 'start' } // says that the server cannot be asked
  }
  if (to.name !== 'start') return true
  const ledger = await defaultLedger().catch(() => null)
  return ledger === null ? true : { name: 'workbench', params: { ledger } }
})

router.afterEach((to) => {
  const screen = (to.meta.under as string | undefined) ?? String(to.name ?? '')
  const { t, te } = i18n.global
  document.title = [te(`nav.${screen}`) ? t(`nav.${screen}`) : '', t('app.name')]
    .filter(Boolean)
    .join(' · ')
})
