// Files on their way: each is uploaded as soon as it is chosen, so that sending does not wait.

import type { ParleyClient, ParleyError } from '../../../javascript/parley-client.mjs'
import type { Attachment } from '../../../javascript/types'

export interface Upload {
  id: string
  file: File
  /** A small picture of it, made here. */
  preview: string | null
  /** From 0 to 1. */
  progress: number
  /** What a message takes, once it is there. */
  attachment: Attachment | null
  fault: string | null
  /** Whether another try may end otherwise. */
  canRetry: boolean
}

// What the server takes; it says so, too.
const MOST_BYTES = 10 * 1024 * 1024
const MOST_FILES = 10
const PREVIEW = 112

const FAULTS: Record<string, string> = {
  InvalidMimeType: 'Files of this type cannot be sent.',
  EntityTooLarge: 'It is larger than 10 MB.',
}

/** The files of one message that is being written, or of one form. */
export class Uploads {
  entries: readonly Upload[] = []
  #listeners = new Set<() => void>()
  #running = new Map<string, AbortController>()

  constructor(
    private readonly client: ParleyClient,
    private readonly conversationId: string,
  ) {}

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  getEntries = () => this.entries

  get isBusy() {
    return this.entries.some(({ attachment, fault }) => !attachment && !fault)
  }

  get hasFault() {
    return this.entries.some(({ fault }) => fault)
  }

  add(files: Iterable<File>): void {
    for (const file of files) {
      if (this.entries.length === MOST_FILES) break
      const fault = file.size > MOST_BYTES ? (FAULTS.EntityTooLarge ?? null) : null
      const id = crypto.randomUUID()
      const made = {
        id,
        file,
        preview: null,
        progress: 0,
        attachment: null,
        fault,
        canRetry: false,
      }
      this.#set([...this.entries, made])
      if (!fault) void this.#start(id, file)
    }
  }

  retry(id: string): void {
    const entry = this.entries.find((each) => each.id === id)
    if (!entry?.canRetry) return
    this.#patch(id, { fault: null, progress: 0 })
    void this.#start(id, entry.file)
  }

  /** Call one off, wherever it is. */
  remove(id: string): void {
    const entry = this.entries.find((each) => each.id === id)
    this.#running.get(id)?.abort(new Error('called off'))
    this.#set(this.entries.filter((each) => each.id !== id))
    if (entry?.preview) URL.revokeObjectURL(entry.preview)
    const { attachment } = entry ?? {}
    if (attachment) {
      void this.client.supabase.storage.from('attachments').remove([attachment.path])
    }
  }

  /** What has arrived, for a message; from here on they are the message's. */
  take(): Attachment[] {
    const taken = this.entries.flatMap(({ attachment }) => attachment ?? [])
    for (const { preview } of this.entries) if (preview) URL.revokeObjectURL(preview)
    this.#set([])
    return taken
  }

  async #start(id: string, file: File) {
    const control = new AbortController()
    this.#running.set(id, control)
    const { signal } = control
    const { preview, ...pixels } = await draw(file)
    this.#patch(id, { preview })
    try {
      const attachment = await this.client.upload(
        this.conversationId,
        { blob: file, name: file.name, ...pixels },
        { signal, onProgress: (progress) => this.#patch(id, { progress }) },
      )
      this.#patch(id, { attachment, progress: 1 })
    } catch (error) {
      if (signal.aborted) return
      const { errorCode, message } = error as ParleyError
      const fault = FAULTS[errorCode]
      this.#patch(id, { fault: fault ?? message, canRetry: !fault })
    } finally {
      this.#running.delete(id)
    }
  }

  #patch(id: string, patch: Partial<Upload>) {
    this.#set(this.entries.map((each) => (each.id === id ? { ...each, ...patch } : each)))
  }

  #set(entries: readonly Upload[]) {
    this.entries = entries
    for (const listener of this.#listeners) listener()
  }
}

/** How large a picture is, and a small one of it; nothing of a file that is none. */
async function draw(file: File) {
  const none = { preview: null, width: null, height: null }
  if (!file.type.startsWith('image/')) return none
  try {
    const whole = await createImageBitmap(file)
    const { width, height } = whole
    const scale = Math.min(1, PREVIEW / Math.min(width, height))
    const canvas = new OffscreenCanvas(Math.ceil(width * scale), Math.ceil(height * scale))
    canvas.getContext('2d')?.drawImage(whole, 0, 0, canvas.width, canvas.height)
    whole.close()
    return { preview: URL.createObjectURL(await canvas.convertToBlob()), width, height }
  } catch {
    return none // a kind that this browser cannot draw
  }
}

/** "12 kB", "3.4 MB". */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
