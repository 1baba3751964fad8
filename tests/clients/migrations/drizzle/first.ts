import { sql } from 'drizzle-orm'
import {
  bigint, bigserial, boolean, char, check, date, doublePrecision, foreignKey, index, inet, integer, interval, json, jsonb,
  numeric, pgEnum, pgSchema, pgSequence, pgTable, pgView, primaryKey, real, serial, smallint, text, time, timestamp, unique, uniqueIndex, uuid, varchar,
} from 'drizzle-orm/pg-core'

export const role = pgEnum('role', ['reader', 'author'])
export const numbers = pgSequence('numbers', { startWith: 100, increment: 2 })
export const cached = pgSequence('cached', { cache: 100 })

export const users = pgTable('users', {
  id: serial().primaryKey(),
  email: varchar({ length: 255 }).notNull().unique(),
  name: text(),
  role: role().default('reader').notNull(),
  balance: numeric({ precision: 12, scale: 2 }).default('0'),
  settings: jsonb().default({}),
  nicknames: text().array(),
  lastIp: inet(),
  createdAt: timestamp({ withTimezone: true }).defaultNow(),
}, t => [
  index('users_name').on(t.name.desc()),
  index('users_lower_email').on(sql`lower(${t.email})`),
  index('users_authors').on(t.email).where(sql`${t.role} = 'author'`),
  index('users_settings').using('gin', t.settings),
  check('balance_positive', sql`${t.balance} >= 0`),
])

export const posts = pgTable('posts', {
  id: uuid().defaultRandom().primaryKey(),
  number: integer().generatedAlwaysAsIdentity(),
  slug: varchar({ length: 120 }).notNull(),
  views: bigint({ mode: 'bigint' }).generatedByDefaultAsIdentity({ startWith: 5, cache: 1 }),
  score: doublePrecision().default(0),
  ratio: real(),
  rank: smallint(),
  code: char({ length: 4 }),
  published: boolean().default(false).notNull(),
  day: date(),
  at: time(),
  took: interval(),
  draft: json(),
  upper: text().generatedAlwaysAs(sql`upper(slug)`),
  authorId: integer().notNull().references(() => users.id, { onDelete: 'cascade' }),
}, t => [
  unique('posts_author_slug').on(t.authorId, t.slug),
  uniqueIndex('posts_rank').on(t.rank),
  index('posts_day').on(t.day, t.at).concurrently(),
])

export const tags = pgTable('tags', { id: bigserial({ mode: 'number' }).primaryKey(), label: text().notNull() })
export const postTags = pgTable('post_tags', {
  postId: uuid().references(() => posts.id),
  tagId: bigint({ mode: 'number' }),
}, t => [
  primaryKey({ columns: [t.postId, t.tagId] }),
  foreignKey({ columns: [t.tagId], foreignColumns: [tags.id] }),
])

export const headlines = pgView('headlines').as(query => query.select({ slug: posts.slug }).from(posts))
export const audit = pgSchema('audit')
export const log = audit.table('log', { id: bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity({ cache: 65536 }), line: text() })
