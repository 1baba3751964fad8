import { bigint, bigserial, boolean, index, integer, jsonb, pgTable, serial, text, timestamp, uniqueIndex, uuid, varchar } from 'drizzle-orm/pg-core'

export const user = pgTable('drizzle_user', {
  id: serial().primaryKey(),
  email: varchar({ length: 200 }).notNull().unique(),
  name: text(),
  active: boolean().default(true).notNull(),
  createdAt: timestamp({ withTimezone: true }).defaultNow().notNull(),
}, table => [index('drizzle_user_name').on(table.name)])

export const post = pgTable('drizzle_post', {
  id: uuid().primaryKey().defaultRandom(),
  title: text().notNull(),
  views: bigint({ mode: 'number' }).default(0).notNull(),
  meta: jsonb(),
  userId: integer().notNull().references(() => user.id, { onDelete: 'cascade' }),
}, table => [index('drizzle_post_user').on(table.userId)])

export const tag = pgTable('drizzle_tag', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  label: text().notNull(),
  color: text(),
}, table => [uniqueIndex('drizzle_tag_label').on(table.label)])
