// What this device keeps between reloads: drafts, the outbox, choices. Without storage it forgets.

export function recall<T>(key: string, fallback: T): T {
  try {
    const kept = localStorage.getItem(`parley.${key}`)
    return kept === null ? fallback : (JSON.parse(kept) as T)
  } catch {
    return fallback
  }
}

export function keep(key: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(`parley.${key}`)
    else localStorage.setItem(`parley.${key}`, JSON.stringify(value))
  } catch {
    // A full or forbidden storage must not stop anybody from writing.
  }
}
