// Small pieces that several screens are made of.

import { Component, type ReactNode, useEffect, useLayoutEffect, useRef } from 'react'
import type { Owner } from '../../../javascript/types'
import { useNow } from '../data/clock'
import { nameOf } from '../data/session'
import { Icon, type IconName } from './Icon'

const HUES = 6

/** The first letters of a name on the name's colour; the client loads no picture of a user. */
export function Avatar({
  person,
  size = 'm',
  status,
}: {
  person: Owner | undefined
  size?: 's' | 'm' | 'l'
  status?: 'online' | 'away' | undefined
}) {
  const name = nameOf(person)
  const letters = person && [...name.trim()].slice(0, 1).join('').toLocaleUpperCase()
  const hue = [...name].reduce((sum, each) => sum + each.charCodeAt(0), 0) % HUES
  return (
    <span className={`avatar avatar-${size}`} data-hue={hue} aria-hidden="true">
      {letters}
      {status && <span className="presence" data-status={status} />}
    </span>
  )
}

export function IconButton({
  icon,
  label,
  ...rest
}: { icon: IconName; label: string } & React.ComponentProps<'button'>) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  )
}

/** What a list shows instead of nothing. */
export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName
  title: string
  children?: ReactNode
}) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <h2>{title}</h2>
      {children && <div className="empty-text">{children}</div>}
    </div>
  )
}

/** What went wrong, and what can be done about it; a connection that is back is one more try. */
export function Trouble({
  error,
  onRetry,
  children,
}: {
  error: Error
  onRetry?: () => void
  children?: ReactNode
}) {
  useEffect(() => {
    if (!onRetry) return
    window.addEventListener('online', onRetry)
    return () => window.removeEventListener('online', onRetry)
  }, [onRetry])
  return (
    <div className="trouble" role="alert">
      <Icon name="warning" />
      <p>{error.message || 'Something went wrong.'}</p>
      {onRetry && (
        <button type="button" className="button button-secondary" onClick={onRetry}>
          Try again
        </button>
      )}
      {children}
    </div>
  )
}

/** Keeps what fails inside from taking the rest of the page with it. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    if (!this.state.error) return this.props.children
    const error = new Error('This part of the page could not be loaded.')
    return <Trouble error={error} onRetry={() => location.reload()} />
  }
}

/** Grey bars in the place of rows that are on their way, so that nothing moves when they come. */
export function Skeleton({ rows = 6, kind = 'row' }: { rows?: number; kind?: 'row' | 'card' }) {
  return (
    <div className="skeleton" aria-busy="true">
      <span className="visually-hidden">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <div key={index} className={`skeleton-${kind}`} aria-hidden="true" />
      ))}
    </div>
  )
}

/** A text that counts on by itself. */
export function Ticking({
  at,
  format,
  every = 30_000,
}: {
  at: string
  format: (at: string, now: number) => string
  every?: number
}) {
  const now = useNow(every)
  return (
    <time dateTime={at} title={new Date(at).toLocaleString('en-GB')}>
      {format(at, now)}
    </time>
  )
}

/** A modal dialogue: the browser keeps the focus inside and gives it back. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ReactNode
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  return (
    <dialog ref={dialog} className="dialog" onClose={onClose} aria-label={title}>
      <header className="dialog-head">
        <h2>{title}</h2>
        <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
      </header>
      {children}
    </dialog>
  )
}

/** A button that opens a list of choices, closed by a click elsewhere or by Escape. */
export function Menu({
  label,
  icon = 'more',
  children,
}: {
  label: string
  icon?: IconName
  children: ReactNode
}) {
  const details = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = (event: Event) => {
      const { current } = details
      if (!current?.open) return
      const button = current.querySelector('summary')
      if (event instanceof KeyboardEvent && event.key !== 'Escape') return
      if (event instanceof MouseEvent && button?.contains(event.target as Node)) return
      if (current.contains(document.activeElement)) button?.focus()
      current.open = false
    }
    document.addEventListener('click', close)
    document.addEventListener('keydown', close)
    return () => {
      document.removeEventListener('click', close)
      document.removeEventListener('keydown', close)
    }
  }, [])
  return (
    <details ref={details} className="menu">
      <summary className="icon-button" aria-label={label} title={label}>
        <Icon name={icon} />
      </summary>
      <div className="menu-list">{children}</div>
    </details>
  )
}
