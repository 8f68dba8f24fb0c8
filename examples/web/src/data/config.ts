// The settings that the page's server gives in `/config.json`, read once at the start.

export interface Config {
  supabaseUrl: string
  supabaseKey: string
  /** Where the Flask app answers: payments, and what is due at each sign-in. */
  appUrl: string
  /** Razorpay's checkout.js, or the sandbox's. */
  checkoutUrl: string
  /** The public half of the VAPID key; empty: this server sends no pushes. */
  vapidKey: string
  /** People who sign in with one click, in a demo only. */
  demoPeople: { name: string; about: string; email: string; password: string }[]
}

const DEFAULTS: Config = {
  supabaseUrl: '',
  supabaseKey: '',
  appUrl: '',
  checkoutUrl: 'https://checkout.razorpay.com/v1/checkout.js',
  vapidKey: '',
  demoPeople: [],
}

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('/config.json', { cache: 'no-store' })
  if (!answer.ok) throw new Error('There is no /config.json here.')
  const config = { ...DEFAULTS, ...(await answer.json()) } as Config
  if (!config.supabaseUrl) throw new Error('/config.json names no Supabase.')
  return config
}
