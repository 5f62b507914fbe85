import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/integrations/tables.ts',
    './src/ledger/tables.ts',
    './src/alerts/tables.ts',
    './src/admin/tables.ts',
  ],
  out: './migrations',
})
