// Drizzle ORM on node-postgres, with the tables that Drizzle Kit has made.
import assert from 'node:assert/strict'
import { count, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { check, failure, run } from './check.mjs'
import { post, user } from './first.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const db = drizzle(pool)

check('insert reads ids and defaults back', async () => {
  const [made] = await db.insert(user).values({ email: 'ada@example.org' }).returning()
  assert.equal(typeof made.id, 'number')
  assert.ok(made.createdAt instanceof Date)
  const [written] = await db.insert(post).values({ title: 'one', userId: made.id, meta: { a: 1 } }).returning()
  assert.deepEqual([written.views, written.meta], [0, { a: 1 }])
})

check('select with a join, update, upsert, delete', async () => {
  const rows = await db.select({ email: user.email, title: post.title }).from(post).innerJoin(user, eq(user.id, post.userId))
  assert.deepEqual(rows, [{ email: 'ada@example.org', title: 'one' }])
  await db.update(post).set({ views: sql`${post.views} + 5` })
  await db.insert(user).values({ email: 'ada@example.org', name: 'x' }).onConflictDoUpdate({ target: user.email, set: { name: 'Ada' } })
  assert.equal((await db.select().from(user))[0].name, 'Ada')
  assert.equal((await db.delete(post).returning()).length, 1)
})

check('a prepared statement', async () => {
  const byEmail = db.select().from(user).where(eq(user.email, sql.placeholder('email'))).prepare('by_email')
  for (let i = 0; i < 3; i++) assert.equal((await byEmail.execute({ email: 'ada@example.org' })).length, 1)
})

check('a transaction, committed and rolled back', async () => {
  await db.transaction(tx => tx.insert(user).values({ email: 'tx@example.org' }))
  const error = await failure(db.transaction(async tx => {
    await tx.delete(user)
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  assert.deepEqual(await db.select({ n: count() }).from(user), [{ n: 2 }])
})

check('a transaction at repeatable read', async () => {
  const rows = await db.transaction(tx => tx.select({ n: count() }).from(user), { isolationLevel: 'repeatable read' })
  assert.deepEqual(rows, [{ n: 2 }])
})

const passed = await run('drizzle')
await pool.end()
process.exit(passed ? 0 : 1)
