// The server's time. What disappears and what is due goes by it, whatever this device's clock says.

import { useSyncExternalStore } from 'react'

let offset = 0

/** Learn the server's time from an answer that carries it. */
export function setServerNow(serverNow: string): void {
  offset = Date.parse(serverNow) - Date.now()
}

/** Milliseconds since 1970 by the server's clock. */
export const serverNow = (): number => Date.now() + offset

const tickers = new Map<number, ReturnType<typeof makeTicker>>()

/** Counts on while somebody listens. Its `subscribe` stays the same, or each render would be a change. */
function makeTicker(every: number) {
  const listeners = new Set<() => void>()
  let timer = 0
  const ticker = {
    now: serverNow(),
    subscribe(listener: () => void) {
      if (!listeners.size) {
        timer = window.setInterval(tick, every)
        if (serverNow() - ticker.now > every) ticker.now = serverNow()
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (!listeners.size) clearInterval(timer)
      }
    },
  }
  function tick() {
    ticker.now = serverNow()
    for (const each of listeners) each()
  }
  tickers.set(every, ticker)
  return ticker
}

/** The server's time, renewed every so many milliseconds. */
export function useNow(every: number): number {
  const ticker = tickers.get(every) ?? makeTicker(every)
  return useSyncExternalStore(ticker.subscribe, () => ticker.now)
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "now", "5 min", "3 h", "Mon", "12 Nov": short, for a list. */
export function formatAgo(at: string, now: number): string {
  const age = now - Date.parse(at)
  if (age < MINUTE) return 'now'
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`
  if (age < DAY) return `${Math.floor(age / HOUR)} h`
  if (age < 7 * DAY) return new Date(at).toLocaleDateString('en', { weekday: 'short' })
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
}

/** What is left until then: "6 d 23 h", "3 h 12 min", "4 min", "12 s". */
export function formatLeft(until: string, now: number): string {
  const left = Math.max(0, Date.parse(until) - now)
  if (left >= DAY) return `${Math.floor(left / DAY)} d ${Math.floor((left % DAY) / HOUR)} h`
  if (left >= HOUR) return `${Math.floor(left / HOUR)} h ${Math.floor((left % HOUR) / MINUTE)} min`
  if (left >= MINUTE) return `${Math.ceil(left / MINUTE)} min`
  return `${Math.ceil(left / 1000)} s`
}

/** Until when somebody may act; nothing while that is more than a month away and presses nobody. */
export function formatDeadline(until: string, now: number): string {
  const left = Date.parse(until) - now
  if (left > 30 * DAY) return ''
  return left < DAY ? `${formatLeft(until, now)} left` : `until ${formatDate(until)}`
}

/** "Sat 12 Dec" */
export const formatDate = (at: string): string =>
  new Date(at).toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })

// Made once: a list has thousands of times.
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

export const formatTime = (at: string): string => CLOCK.format(new Date(at))

/** "Today", "Yesterday", or the date. */
export function formatDay(at: string, now: number): string {
  const day = new Date(at)
  const today = new Date(now)
  if (day.toDateString() === today.toDateString()) return 'Today'
  today.setDate(today.getDate() - 1)
  if (day.toDateString() === today.toDateString()) return 'Yesterday'
  const year = day.getFullYear() === today.getFullYear() ? undefined : 'numeric'
  return day.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year })
}

export const formatMoney = (minor: number, currency = 'INR'): string =>
  new Intl.NumberFormat('en-IN', {
    style: 'currency',
    currency,
    minimumFractionDigits: minor % 100 ? 2 : 0,
    maximumFractionDigits: 2,
  }).format(minor / 100)
