// Knex. The server's address comes from DATABASE_URL; all options are the defaults.
import assert from 'node:assert/strict'
import createKnex from 'knex'
import { check, failure, run } from './check.mjs'
import { migrationSource } from './migrations.mjs'

const knex = createKnex({
  client: 'pg',
  connection: process.env.DATABASE_URL,
  migrations: { migrationSource, tableName: 'knex_suite_migrations' },
})

async function clean() {
  for (const table of ['knex_post', 'knex_user', 'knex_suite_migrations', 'knex_suite_migrations_lock']) {
    await knex.schema.dropTableIfExists(table)
  }
}

check('there is room', clean)

check('migrate.latest', async () => {
  const [batch, applied] = await knex.migrate.latest()
  assert.deepEqual([batch, applied], [1, ['1_tables', '2_grow']])
  assert.deepEqual(await knex('knex_user').select('email', 'active').orderBy('email'), [
    { email: 'ada@example.org', active: true },
    { email: 'grace@example.org', active: true },
  ])
})

check('migrate.latest with nothing to do', async () => {
  assert.deepEqual((await knex.migrate.latest())[1], [])
  assert.equal(await knex.migrate.status(), 0)
})

check('two migrate at once', async () => {
  await knex.migrate.down()
  // Whoever comes second finds nothing to do, or is told that somebody else migrates: by Knex, or
  // by a server on which a change of the tables is a conflict.
  const results = await Promise.allSettled([knex.migrate.latest(), knex.migrate.latest()])
  assert.ok(results.some(({ status }) => status === 'fulfilled'), String(results[0].reason))
  for (const { status, reason } of results) assert.ok(status === 'fulfilled' || /lock/i.test(reason.message) || reason.code === '40001', String(reason))
  assert.equal(await knex.migrate.status(), 0)
})

check('insert reads ids back; batchInsert, update, increment, upsert, delete', async () => {
  const [{ id }] = await knex('knex_user').insert({ email: 'new@example.org' }).returning('id')
  assert.ok(Number.isInteger(Number(id)))
  await knex('knex_post').insert({ user_id: id, title: 'one', meta: { a: [1] } })
  assert.deepEqual((await knex('knex_post').first()).meta, { a: [1] })
  const made = await knex.batchInsert('knex_user', Array.from({ length: 50 }, (_, i) => ({ email: `many${i}@example.org` })), 20).returning('id')
  assert.equal(new Set(made.map(row => row.id)).size, 50)
  assert.equal(await knex('knex_user').where('email', 'like', 'many1%').update({ name: 'one' }), 11)
  await knex('knex_user').insert({ email: 'new@example.org', name: 'again' }).onConflict('email').merge()
  assert.equal((await knex('knex_user').where({ id }).first()).name, 'again')
  assert.equal(await knex('knex_user').where('email', 'like', 'many%').del(), 50)
})

check('a transaction, committed and rolled back', async () => {
  await knex.transaction(trx => trx('knex_user').insert({ email: 'tx@example.org' }))
  const error = await failure(knex.transaction(async trx => {
    await trx('knex_user').where({ email: 'tx@example.org' }).del()
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  assert.equal((await knex('knex_user').where({ email: 'tx@example.org' })).length, 1)
})

check('a transaction at repeatable read', async () => {
  const rows = await knex.transaction(trx => trx('knex_user').where({ email: 'tx@example.org' }), { isolationLevel: 'repeatable read' })
  assert.equal(rows.length, 1)
})

check('a stream', async () => {
  let seen = 0
  for await (const row of knex('knex_user').select('email').stream()) seen += row.email ? 1 : 0
  assert.equal(seen, 4)
})

check('migrate.rollback', async () => {
  await knex.migrate.rollback(undefined, true)
  assert.equal(await knex.schema.hasTable('knex_user'), false)
})

check('it cleans up', clean)

const passed = await run('knex')
await knex.destroy()
process.exit(passed ? 0 : 1)
