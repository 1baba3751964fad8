import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: `./${process.env.MODEL}.mjs`,
  out: './out',
  dbCredentials: { url: process.env.DATABASE_URL },
  tablesFilter: ['drizzle_*'],
})
