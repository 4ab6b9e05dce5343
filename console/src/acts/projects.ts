/** What is done to a project of the library 项目库 on its way and behind it. */

import { api, ask, type Schemas } from '../api/client'
import { actOf, type Act } from './act'

type Project = Schemas['ProjectView']

export const PROJECT_STATES: Schemas['ProjectStatus'][] = [
  'reported', 'returned', 'dept_checked', 'mof_checked', 'in_library', 'ended', 'terminated',
]

/** Whose check comes next: the department's, then the treasury's. */
export function levelOf(project: Project): Schemas['CheckingLevel'] {
  return project.state === 'reported' ? 'dept' : 'mof'
}

/** The acts that a project takes in its state, for who holds their roles. */
export function actsOf(division: string, project: Project, mayAs: (...roles: string[]) => boolean): Act[] {
  const params = { path: { mof_div_code: division, pro_code: project.pro_code } }
  const of = project.pro_code
  const { version, state } = project
  const reason = { name: 'reason', as: 'long', needed: true, wide: true } as const
  const found: Act[] = []
  const makes = mayAs('unit', 'treasury_maker')
  const onItsWay = ['reported', 'dept_checked', 'mof_checked'].includes(state)
  if (state === 'reported' && mayAs('unit_checker')) found.push(check())
  if (state === 'dept_checked' && mayAs('treasury_checker')) found.push(check())
  if (state === 'mof_checked' && mayAs('treasury_checker'))
    found.push({
      title: 'projects.store',
      of,
      fields: [],
      send: () => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/store', { params, body: { version } })),
    })
  if (onItsWay && mayAs('unit_checker', 'treasury_checker'))
    found.push(
      actOf<Schemas['ReturnProjectBody']>({
        title: 'review.returned',
        of,
        fields: [reason],
        send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/return', { params, body })),
      }),
    )
  if (makes && (onItsWay || state === 'returned' || project.is_in_library)) found.push(amend())
  if (makes && project.is_in_library && !project.is_suspended)
    found.push(
      actOf<Schemas['SuspendProjectBody']>({
        title: 'projects.suspend',
        of,
        fields: [reason],
        send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/suspend', { params, body })),
      }),
    )
  if (makes && project.is_in_library && project.is_suspended)
    found.push(
      actOf<Schemas['ResumeProjectBody']>({
        title: 'projects.resume',
        of,
        fields: [reason],
        send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/resume', { params, body })),
      }),
    )
  if (makes && project.is_in_library)
    found.push(
      actOf<Schemas['EndProjectBody']>({
        title: 'projects.end',
        of,
        fields: [{ name: 'reason', as: 'long', wide: true }],
        send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/end', { params, body })),
      }),
      actOf<Schemas['TerminateProjectBody']>({
        title: 'projects.terminate',
        of,
        fields: [reason],
        send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/terminate', { params, body })),
      }),
    )
  return found

  function check(): Act {
    return {
      title: 'projects.check',
      of,
      fields: [],
      send: () => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/check', { params, body: { version, level: levelOf(project) } })),
    }
  }
  function amend(): Act {
    return actOf<Schemas['AmendProjectBody']>({
      title: 'projects.amend',
      of,
      fields: [
        { name: 'pro_name', value: project.pro_name },
        { name: 'agency_code', value: project.agency_code },
        { name: 'pro_des', value: project.pro_des, as: 'long', wide: true },
        ...(project.is_in_library ? [{ name: 'start_date', as: 'day' } as const] : []),
        reason,
      ],
      send: (body) => ask(api.POST('/v1/divisions/{mof_div_code}/projects/{pro_code}/amend', { params, body })),
    })
  }
}
