import { bigint, bigserial, index, integer, jsonb, pgTable, serial, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core'

export const user = pgTable('drizzle_user', {
  id: serial().primaryKey(),
  email: varchar({ length: 200 }).notNull().unique(),
  name: text(),
  createdAt: timestamp({ withTimezone: true }).defaultNow().notNull(),
}, table => [index('drizzle_user_name').on(table.name)])

export const post = pgTable('drizzle_post', {
  id: uuid().primaryKey().defaultRandom(),
  title: text().notNull(),
  views: bigint({ mode: 'number' }).default(0).notNull(),
  meta: jsonb(),
  userId: integer().notNull().references(() => user.id, { onDelete: 'cascade' }),
})

export const tag = pgTable('drizzle_tag', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  label: text().notNull(),
})
