import '@fontsource-variable/inter/wght.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/chat.css'
import './styles/pages.css'
import { createClient } from '@supabase/supabase-js'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { Trouble } from './components/bits'
import { loadConfig } from './data/config'

const root = createRoot(document.getElementById('root') as HTMLElement)

try {
  const config = await loadConfig()
  // In a demo each window has its own sign-in; elsewhere all windows share one.
  const storage = config.demoPeople.length ? sessionStorage : localStorage
  const supabase = createClient(config.supabaseUrl, config.supabaseKey, {
    auth: { storage, storageKey: 'parley.session', detectSessionInUrl: false },
  })
  root.render(<App supabase={supabase} config={config} />)
} catch (error) {
  root.render(
    <main className="page">
      <Trouble error={error as Error} onRetry={() => location.reload()} />
    </main>,
  )
}
