// What was written and is not stored yet. One message leaves at a time, in the order of writing;
// what the server refuses stays where it is until its author decides, and holds up nobody.

import type { ParleyClient, ParleyError } from '../../../javascript/parley-client.mjs'
import type { Attachment, SendResult } from '../../../javascript/types'
import { keep, recall } from './storage'

export interface Outgoing {
  id: string // client_message_id
  conversation_id: string
  message: string
  attachments: Attachment[] | null
  reply_to: string | null
  expiration_hours: number | null
  max_points: number
  created_at: string
  refused: { code: string; message: string; details: Record<string, unknown> | null } | null
}

const SLOWEST = 15_000

export class Outbox {
  #entries: Outgoing[]
  #isBusy = false
  #wake: () => void = () => {}

  constructor(
    private readonly client: ParleyClient,
    private readonly onChange: (entries: Outgoing[]) => void,
    private readonly onSent: (sent: SendResult) => void,
    private readonly onTokenRefused: () => Promise<boolean>,
  ) {
    this.#entries = recall<Outgoing[]>(this.#key, [])
  }

  get #key() {
    return `outbox.${this.client.userId}`
  }

  get entries() {
    return this.#entries
  }

  add(entry: Omit<Outgoing, 'id' | 'created_at' | 'refused'>): void {
    const id = crypto.randomUUID()
    this.#set([
      ...this.#entries,
      { ...entry, id, created_at: new Date().toISOString(), refused: null },
    ])
    this.run()
  }

  /** Try a refused one again, for at most so many points. */
  retry(id: string, max_points?: number): void {
    this.#set(
      this.#entries.map((entry) =>
        entry.id === id
          ? { ...entry, refused: null, max_points: max_points ?? entry.max_points }
          : entry,
      ),
    )
    this.run()
  }

  discard(id: string): void {
    this.#set(this.#entries.filter((entry) => entry.id !== id))
  }

  /** Send what waits; called again it ends a pause, as when the connection is back. */
  run(): void {
    this.#wake()
    if (!this.#isBusy) void this.#sendAll()
  }

  async #sendAll() {
    this.#isBusy = true
    for (let failures = 0; ; ) {
      const entry = this.#entries.find((each) => !each.refused)
      if (!entry) break
      try {
        const { id, created_at: _, refused: __, ...args } = entry
        const sent = await this.client.call('send_message', {
          ...args,
          client_message_id: id,
        })
        this.onSent(sent)
        this.#set(this.#entries.filter((each) => each.id !== id))
        failures = 0
      } catch (error) {
        const { errorCode, message, details, status, isTransient } = error as ParleyError
        if (status === 401) {
          if (!(await this.onTokenRefused())) break
        } else if (!isTransient) {
          const refused = { code: errorCode, message, details }
          this.#set(
            this.#entries.map((each) => (each.id === entry.id ? { ...each, refused } : each)),
          )
          continue
        }
        const asked = Number(details?.retry_after ?? 0) * 1000
        await this.#pause(asked || Math.min(SLOWEST, 500 * 2 ** failures++))
      }
    }
    this.#isBusy = false
  }

  #pause(duration: number) {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, duration * (0.9 + Math.random() * 0.2))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #set(entries: Outgoing[]) {
    this.#entries = entries
    keep(this.#key, entries.length ? entries : null)
    this.onChange(entries)
  }
}
