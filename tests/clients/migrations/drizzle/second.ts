import { sql } from 'drizzle-orm'
import {
  bigint, bigserial, boolean, char, check, date, doublePrecision, index, inet, integer, interval, jsonb,
  numeric, pgEnum, pgMaterializedView, pgSchema, pgSequence, pgTable, pgPolicy, pgView, primaryKey, real, serial, smallint, text, time, timestamp, unique, uuid, varchar,
} from 'drizzle-orm/pg-core'

export const role = pgEnum('role', ['reader', 'author', 'owner'])
export const state = pgEnum('state', ['draft', 'live'])
export const cached = pgSequence('cached', { cache: 1 })

export const users = pgTable('users', {
  id: serial().primaryKey(),
  email: varchar({ length: 320 }).notNull().unique(),
  name: text().notNull(),
  role: role().default('author').notNull(),
  balance: numeric({ precision: 12, scale: 2 }),
  settings: jsonb().default({}),
  nicknames: text().array(),
  lastIp: inet(),
  createdAt: timestamp({ withTimezone: true }).defaultNow(),
  active: boolean().notNull().default(true),
  phone: text(),
  state: state(),
}, t => [
  index('users_lower_email').on(sql`lower(${t.email})`),
  check('balance_large', sql`${t.balance} >= 10`),
  unique('users_phone').on(t.phone).nullsNotDistinct(),
])

export const posts = pgTable('posts', {
  id: uuid().defaultRandom().primaryKey(),
  number: integer(),
  slug: varchar({ length: 120 }),
  views: bigint({ mode: 'bigint' }).generatedByDefaultAsIdentity({ startWith: 5, cache: 1 }),
  score: doublePrecision().default(0),
  ratio: real(),
  rank: smallint(),
  code: char({ length: 4 }),
  published: boolean().default(false).notNull(),
  day: date(),
  at: time(),
  took: interval(),
  upper: text().generatedAlwaysAs(sql`upper(slug)`),
  authorId: integer().notNull().references(() => users.id, { onDelete: 'restrict' }),
}, t => [
  index('posts_day').on(t.day.desc().nullsLast()),
  pgPolicy('everybody', { for: 'select' }),
])

export const tags = pgTable('tags', { id: bigserial({ mode: 'number' }).primaryKey(), label: text().notNull(), weight: integer().generatedAlwaysAsIdentity() })
export const postTags = pgTable('post_tags', {
  postId: uuid().references(() => posts.id),
  tagId: bigint({ mode: 'number' }),
  position: integer().notNull(),
}, t => [primaryKey({ columns: [t.postId, t.tagId, t.position] })])

export const headlines = pgView('headlines').as(query => query.select({ slug: posts.slug }).from(posts))
export const ranking = pgMaterializedView('ranking').as(query => query.select({ slug: posts.slug }).from(posts))
export const audit = pgSchema('audit')
