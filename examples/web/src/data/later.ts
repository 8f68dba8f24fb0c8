// Parts of the page that the first screen does without: they are loaded when they are asked for, or
// when the first screen is there, so that they are here also without a connection.

import { type ComponentType, lazy } from 'react'

// biome-ignore lint/suspicious/noExplicitAny: what a part takes is checked where it is used
type Load<C extends ComponentType<any>> = () => Promise<{ default: C }>

const parts: (() => Promise<unknown>)[] = []

/** A part that is loaded later; without a connection it is waited for. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function later<C extends ComponentType<any>>(load: Load<C>) {
  parts.push(load)
  return lazy(async () => {
    try {
      return await load()
    } catch (error) {
      if (navigator.onLine) throw error
      await new Promise((resolve) => window.addEventListener('online', resolve, { once: true }))
      return load()
    }
  })
}

/** Load all parts when the browser has nothing else to do. */
export function loadTheRest(): void {
  const load = () => {
    for (const part of parts) part().catch(() => {}) // asked for again where it is needed
  }
  if ('requestIdleCallback' in window) requestIdleCallback(load)
  else setTimeout(load, 1000)
}
