// Razorpay's checkout: the script is loaded when somebody pays, and not before.

import type { PaidAtCheckout } from '../../../javascript/types'
import type { Session } from './session'

interface Checkout {
  open(): void
  on(event: string, handler: (failed: { error: { description: string } }) => void): void
}

declare global {
  interface Window {
    Razorpay?: new (options: object) => Checkout
  }
}

let loading: Promise<void> | null = null

function loadScript(url: string): Promise<void> {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = url
    script.onload = () => resolve()
    script.onerror = () => {
      loading = null
      script.remove()
      reject(new Error('The checkout cannot be reached. Nothing was charged: try again.'))
    }
    document.head.append(script)
  })
  return loading
}

/**
 * Take the payment of a deal. Resolves when the checkout is done or closed; the deal moves when the
 * server has heard from Razorpay, whatever the checkout says.
 */
export async function pay(session: Session, conversationId: string): Promise<void> {
  const { client, config } = session
  const [{ key_id, ...options }] = await Promise.all([
    client.pay(conversationId),
    loadScript(config.checkoutUrl),
  ])
  const { Razorpay } = window
  if (!Razorpay) throw new Error('The checkout did not start. Nothing was charged: try again.')
  await new Promise<void>((resolve, reject) => {
    const checkout = new Razorpay({
      ...options,
      key: key_id,
      modal: { ondismiss: resolve },
      handler: (paid: PaidAtCheckout) => {
        client.confirmPayment(conversationId, paid).then(() => resolve(), reject)
      },
    })
    checkout.open()
  })
  await session.refresh(conversationId)
}
