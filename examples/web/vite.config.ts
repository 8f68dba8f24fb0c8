import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Where `./scripts/run` serves: `npm run dev` takes the settings of the demo from there.
const RUN = 'http://127.0.0.1:3000'
const PARTS = fileURLToPath(new URL('src/data/supabase-parts.ts', import.meta.url))

export default defineConfig({
  plugins: [react()],
  resolve: {
    // The JavaScript client lies beside this folder and takes supabase-js from here.
    dedupe: ['@supabase/supabase-js'],
    alias: { '@supabase/storage-js': PARTS, '@supabase/functions-js': PARTS },
  },
  server: { port: 5173, proxy: { '/config.json': RUN }, fs: { allow: ['.', '../javascript'] } },
  // No script or font inlined into another file: the Content-Security-Policy allows none.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2023' },
})
