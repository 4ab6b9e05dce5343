/** What is under way in a ledger, told as it happens by server-sent events; asked again where that cannot be had. */

import { onScopeDispose } from 'vue'
import { api, ask, ROOT } from './api/client'

const GATHER_MS = 400 // events of one batch are one reason to look again
const POLL_MS = 3000

export interface Live {
  /** Goes on following, or ends it where nothing is waited for any more. */
  follow: () => void
}

/**
 * Calls `look` whenever the ledger has something new, as long as `isMoving` says that it is waited
 * for. Who may not follow the ledger's events, as a unit may not, is served by asking after a while.
 */
export function useLive(ledger: string, look: () => Promise<unknown>, isMoving: () => boolean): Live {
  let stream: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function end(): void {
    stream?.abort()
    stream = undefined
    clearTimeout(timer)
    timer = undefined
  }
  function lookIn(ms: number): void {
    timer ??= setTimeout(() => {
      timer = undefined
      void look().then(() => (isMoving() ? undefined : end()))
    }, ms)
  }
  /** Reads the stream to its end; a look for all that comes at once. */
  async function read(control: AbortController): Promise<void> {
    const { position } = await ask(api.GET('/v1/ledgers/{ledger}', { params: { path: { ledger } } }))
    // what an EventSource would do, which knows neither a refusal nor names of events beforehand
    const answer = await fetch(`${ROOT}v1/ledgers/${ledger}/events/stream?after=${position}`, {
      headers: { Accept: 'text/event-stream' },
      signal: control.signal,
    })
    if (!answer.ok || answer.body === null) return
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      if (/^data:/m.test(value)) lookIn(GATHER_MS)
    }
  }
  async function listen(): Promise<void> {
    const control = new AbortController()
    stream = control
    lookIn(POLL_MS) // what came between the last look and the stream's beginning
    await read(control).catch(() => undefined)
    // refused, cut off, or the server was started anew
    while (stream === control && isMoving()) {
      lookIn(POLL_MS)
      await new Promise((goOn) => setTimeout(goOn, POLL_MS))
    }
  }
  function follow(): void {
    if (!isMoving()) end()
    else if (stream === undefined) void listen()
  }
  onScopeDispose(end)
  return { follow }
}
