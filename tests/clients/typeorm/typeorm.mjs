// TypeORM. The server's address comes from DATABASE_URL; all options are the defaults.
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { DataSource, QueryFailedError } from 'typeorm'
import { check, failure, run } from './check.mjs'
import { First1700000000001, first, second, Second1700000000002 } from './models.mjs'

const options = { type: 'postgres', url: process.env.DATABASE_URL, logging: false }
let source

async function open(more) {
  if (source?.isInitialized) await source.destroy()
  source = new DataSource({ ...options, ...more })
  await source.initialize()
}

async function clean() {
  const tables = ['typeorm_post_tags_typeorm_tag', 'typeorm_tag', 'typeorm_post', 'typeorm_user', 'typeorm_street', 'typeorm_city', 'typeorm_migrations']
  for (const table of tables) await source.query(`DROP TABLE IF EXISTS "${table}"`)
}

check('it connects', async () => {
  await open({ entities: first })
  assert.deepEqual(await source.query('select $1::int + 1 as n', [1]), [{ n: 2 }])
  await clean()
})

check('synchronize makes the tables', async () => {
  await source.synchronize()
  const tables = await source.query(`select tablename from pg_tables where tablename like 'typeorm%' order by 1`)
  assert.deepEqual(tables.map(row => row.tablename), ['typeorm_post', 'typeorm_post_tags_typeorm_tag', 'typeorm_tag', 'typeorm_user'])
})

check('synchronize again has nothing to do', async () => {
  const { upQueries } = await source.driver.createSchemaBuilder().log()
  assert.deepEqual(upQueries.map(query => query.query), [])
  await source.synchronize()
})

check('save reads ids and defaults back', async () => {
  const users = source.getRepository('TypeormUser')
  const user = await users.save({ email: 'ada@example.org', name: 'Ada' })
  assert.equal(typeof user.id, 'number')
  assert.ok(user.createdAt instanceof Date)
  const post = await source.getRepository('TypeormPost').save({ title: 'one', author: user, tags: [await source.getRepository('TypeormTag').save({ label: 'new' })] })
  assert.match(post.id, /^[0-9a-f-]{36}$/)
  const found = await users.findOne({ where: { id: user.id }, relations: { posts: { tags: true } } })
  assert.deepEqual([found.posts[0].title, found.posts[0].views, found.posts[0].tags[0].label], ['one', '0', 'new'])
})

check('insert of many, update, upsert, delete, increment', async () => {
  const users = source.getRepository('TypeormUser')
  const made = await users.insert(Array.from({ length: 50 }, (_, i) => ({ email: `many${i}@example.org` })))
  assert.equal(new Set(made.identifiers.map(user => user.id)).size, 50)
  assert.equal((await users.update({ email: 'many3@example.org' }, { name: 'three' })).affected, 1)
  await users.upsert([{ email: 'many3@example.org', name: 'again' }], ['email'])
  assert.equal((await users.findOneBy({ email: 'many3@example.org' })).name, 'again')
  await source.getRepository('TypeormPost').increment({ title: 'one' }, 'views', 5)
  assert.equal((await source.getRepository('TypeormPost').findOneBy({ title: 'one' })).views, '5')
  assert.equal((await users.createQueryBuilder().delete().where('email like :e', { e: 'many4%' }).execute()).affected, 11)
})

check('the query builder', async () => {
  const rows = await source.getRepository('TypeormUser').createQueryBuilder('u')
    .leftJoin('u.posts', 'p').select('u.email', 'email').addSelect('count(p.id)', 'posts')
    .groupBy('u.email').orderBy('posts', 'DESC').limit(1).getRawMany()
  assert.deepEqual(rows, [{ email: 'ada@example.org', posts: '1' }])
})

check('a transaction, committed and rolled back', async () => {
  await source.transaction(async manager => {
    await manager.save('TypeormUser', { email: 'tx@example.org' })
    assert.equal(await manager.countBy('TypeormUser', { email: 'tx@example.org' }), 1)
  })
  const error = await failure(source.transaction(async manager => {
    await manager.delete('TypeormUser', { email: 'tx@example.org' })
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  assert.equal(await source.getRepository('TypeormUser').countBy({ email: 'tx@example.org' }), 1)
})

check('a transaction with an isolation level', async () => {
  const count = await source.transaction('REPEATABLE READ', manager => manager.countBy('TypeormUser', { email: 'tx@example.org' }))
  assert.equal(count, 1)
})

check('a unique violation, and the connection goes on', async () => {
  const error = await failure(source.getRepository('TypeormUser').insert({ email: 'tx@example.org' }))
  assert.ok(error instanceof QueryFailedError)
  assert.equal(error.driverError.code, '23505')
  assert.equal(await source.getRepository('TypeormUser').countBy({ email: 'tx@example.org' }), 1)
})

check('synchronize adds columns', async () => {
  await open({ entities: second })
  await source.synchronize()
  const user = await source.getRepository('TypeormUser').findOneBy({ email: 'ada@example.org' })
  assert.deepEqual([user.active, user.phone], [true, null])
})

for (const mode of ['all', 'each']) {
  check(`migrations with transaction: '${mode}'`, async () => {
    await open({
      migrations: [First1700000000001, Second1700000000002],
      migrationsTableName: 'typeorm_migrations',
      migrationsTransactionMode: mode,
    })
    assert.equal((await source.runMigrations()).length, 2)
    assert.deepEqual(await source.query('select name, size from typeorm_city order by name'), [{ name: 'Oslo', size: 0 }, { name: 'Paris', size: 0 }])
    assert.deepEqual(await source.runMigrations(), [])
    assert.equal(await source.showMigrations(), false)
    await source.undoLastMigration()
    assert.equal(await source.showMigrations(), true)
    await source.undoLastMigration()
    assert.deepEqual(await source.query('select * from typeorm_migrations'), [])
  })
}

check('it cleans up', clean)

const passed = await run('typeorm')
await source.destroy()
process.exit(passed ? 0 : 1)
