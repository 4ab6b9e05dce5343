/** An act as a form: what is asked, and how it is sent. Its dialog is components/ActDialog.vue. */

export interface Asked<Name extends string = string> {
  name: Name
  /** `amount`: yuan as typed; `change`: yuan that may be negative; `whole`: a number without decimals; `flag`: yes or no; `many`: some of the options. */
  as?: 'text' | 'amount' | 'change' | 'day' | 'whole' | 'choice' | 'flag' | 'many' | 'long'
  /** Codes to choose from, each with what it says. */
  options?: { value: string; said: string }[]
  needed?: boolean
  /** What stands there before anything is typed; of `many`, values parted by blanks. */
  value?: string
  /** The word of its label where that is not `fields.<name>`, and of its hint. */
  label?: string
  hint?: string
  wide?: boolean
}

export interface Act {
  /** The word of its title, and what it is done to. */
  title: string
  of?: string
  fields: Asked[]
  send: (body: never) => Promise<unknown>
}

/** The act whose body is `Body`: a field that the API does not have is found by the compiler. */
export function actOf<Body extends object>(act: {
  title: string
  of?: string
  fields: Asked<Extract<keyof Body, string>>[]
  send: (body: Body) => Promise<unknown>
}): Act {
  return act as unknown as Act
}

/** The roles that still have to agree, where an answer says that it was submitted only. */
export function awaitedBy(answer: unknown): string[] {
  const found = (answer as { awaits?: string[]; state?: string } | undefined) ?? {}
  return found.state === 'submitted' ? (found.awaits ?? []) : []
}
