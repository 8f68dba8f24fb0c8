// One line icon each, on a grid of 24; decoration only, so hidden from screen readers.

const PATHS = {
  chats:
    'M4 6.500A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.500v7a2.5 2.5 0 0 1-2.5 2.500H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.500z',
  market:
    'M4 9l1.5-5h13L20 9M4 9v0a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0A2.7 2.7 0 0 0 20 9M5.5 12v8h13v-8M10 20v-4.500h4V20',
  quota: 'M12 4a8 8 0 1 0 8 8M12 4v8h8M15.5 3.500a8 8 0 0 1 5 5',
  bell: 'M6 10a6 6 0 0 1 12 0c0 5 2 6 2 6.500H4C4 16 6 15 6 10M10 20a2 2 0 0 0 4 0',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.500c.8-4 4-5.5 7.5-5.500s6.7 1.5 7.5 5.5',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.3 15.300L20 20',
  back: 'M14.5 5L8 12l6.5 7',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M5 12l-1-7 17 7-17 7 1-7zM5 12h8',
  timer: 'M12 21a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15M12 9.500v4l2.5 1.500M9.5 3h5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  pin: 'M9 4h6l-1 6 3 3H7l3-3zM12 13v7',
  muted: 'M6 10a6 6 0 0 1 9.5-4.900M18 10c0 5 2 6 2 6.500H9M10 20a2 2 0 0 0 4 0M4 4l16 16',
  down: 'M12 5v14M6 13l6 6 6-6',
  panel: 'M4 5h16v14H4zM14.5 5v14',
  shield: 'M12 3.500l7 2.500v5.500c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6zM9 12l2.2 2.200L15.2 10',
  plus: 'M12 5v14M5 12h14',
  reply: 'M9 7L4 12l5 5M4 12h9a7 7 0 0 1 7 7',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M12 8v4.500l3 1.5',
  sent: 'M5 12.500l4.5 4.500L19 7.5',
  double: 'M2.5 12.500L7 17l9-9.500M11.5 16l1 1L21.5 7.5',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.200v.01',
  flag: 'M6 21V4h11l-2 4 2 4H6',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z',
  sun: 'M12 16.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9M12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4',
  moon: 'M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10',
  clip: 'M19 11.500l-7.3 7.300a4.6 4.600 0 0 1-6.500-6.500l8-8a3.100 3.100 0 0 1 4.400 4.400l-8 8a1.500 1.500 0 0 1-2.200-2.200l7-7',
  file: 'M13.500 3.500H7v17h10.500V7.500zM13.500 3.500v4h4',
  download: 'M12 4v11M7 10.500l5 5 5-5M5 20h14',
  retry: 'M19.500 12a7.500 7.500 0 1 1-2.200-5.300M19.500 4v4h-4',
  star: 'M12 4l2.5 5.2 5.7.8-4.1 4 1 5.700L12 17l-5.1 2.7 1-5.7-4.1-4 5.7-.8z',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 3 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
