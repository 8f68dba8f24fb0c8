// Shows pushes and opens the conversation that one is about. A push carries ids and no text: what
// it says is read in the app, by whoever may still read it.
const TITLES = {
  message: 'New message',
  action_required: 'Your turn',
  payment: 'Payment update',
  work: 'Work update',
  review: 'Review update',
  dispute: 'Dispute update',
  deal_closed: 'Deal ended',
}

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('push', (event) => {
  const { type = 'message', data = {} } = event.data?.json() ?? {}
  event.waitUntil(show(type, data))
})

async function show(type, data) {
  const windows = await self.clients.matchAll({ type: 'window' })
  if (windows.some((each) => each.visibilityState === 'visible')) return
  await self.registration.showNotification(TITLES[type] ?? 'Parley', {
    body: 'Open Parley to read it.',
    tag: data.conversation_id ?? type,
    icon: '/icon.svg',
    data,
  })
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const id = event.notification.data?.conversation_id
  event.waitUntil(open(id ? `/#/chat/${encodeURIComponent(id)}` : '/'))
})

async function open(path) {
  const [first] = await self.clients.matchAll({ type: 'window' })
  if (!first) return self.clients.openWindow(path)
  await first.focus()
  return first.navigate(path)
}
