// Web Push, for users who ask for it. The browser's subscription is registered with the API.

import type { Session } from './session'

export const canPush = (session: Session): boolean =>
  Boolean(session.config.vapidKey) && 'serviceWorker' in navigator && 'PushManager' in window

export async function isPushed(): Promise<boolean> {
  const worker = await navigator.serviceWorker.getRegistration()
  return Boolean(await worker?.pushManager.getSubscription())
}

export async function startPush({ client, config }: Session): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new Error('The browser does not allow notifications for this page.')
  }
  await navigator.serviceWorker.register('/sw.js')
  const worker = await navigator.serviceWorker.ready
  const subscription = await worker.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: config.vapidKey,
  })
  const { endpoint, keys } = subscription.toJSON()
  await client.call('register_push_token', { kind: 'web_push', token: endpoint ?? null, keys })
}

export async function stopPush({ client }: Session): Promise<void> {
  const worker = await navigator.serviceWorker.getRegistration()
  const subscription = await worker?.pushManager.getSubscription()
  if (!subscription) return
  await client.call('unregister_push_token', { token: subscription.endpoint })
  await subscription.unsubscribe()
}
