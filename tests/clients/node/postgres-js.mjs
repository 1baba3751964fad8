// postgres.js. The server's address comes from DATABASE_URL.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { check, failure, run } from './check.mjs'

const table = `postgresjs_${crypto.randomBytes(6).toString('hex')}`

function jsCheck(name, body, options = {}) {
  check(`postgres.js: ${name}`, async () => {
    const sql = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {}, ...options })
    try {
      await body(sql, sql(table))
    } finally {
      await sql.end({ timeout: 5 })
    }
  })
}

jsCheck('login', async sql => {
  const [row] = await sql`select current_user as who, current_setting('application_name') as name`
  assert.deepEqual({ ...row }, { who: 'admin', name: 'postgres.js' })
})

jsCheck('tables', async (sql, t) => {
  await sql`create table ${t} (id bigint primary key, name text not null, data jsonb, amount numeric(18, 6))`
})

jsCheck('parameters and types', async sql => {
  const at = new Date('2026-11-21T12:30:15.123Z')
  const [row] = await sql`select ${1}::int as i, ${'4611686018427387904'}::bigint as big, ${'naïve 東京 🦀'}::text as t,
    ${sql.json({ a: [1, null] })}::jsonb as j, ${at}::timestamptz as at, ${Buffer.from([0, 255])}::bytea as raw,
    ${true}::bool as b, ${null}::text as n`
  assert.deepEqual({ ...row }, { i: 1, big: '4611686018427387904', t: 'naïve 東京 🦀', j: { a: [1, null] }, at, raw: Buffer.from([0, 255]), b: true, n: null })
})

jsCheck('an array as a parameter', async sql => {
  const rows = await sql`select n from generate_series(1, 10) n where n = any(${[3, 5, 99]})`
  assert.deepEqual(rows.map(r => r.n), [3, 5])
})

jsCheck('named statements, used again', async sql => {
  for (let n = 0; n < 10; n++) assert.equal((await sql`select ${n}::int * 2 as x`)[0].x, n * 2)
})

jsCheck('without named statements', async sql => {
  for (let n = 0; n < 10; n++) assert.equal((await sql`select ${n}::int * 2 as x`)[0].x, n * 2)
}, { prepare: false })

jsCheck('several statements in one simple query', async sql => {
  const results = await sql.unsafe("select 1 as a; select 'x' as b").simple()
  assert.deepEqual(results.map(r => ({ ...r[0] })), [{ a: 1 }, { b: 'x' }])
})

jsCheck('insert of many rows, update, delete', async (sql, t) => {
  const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `name ${id}`, amount: '1.5' }))
  assert.equal((await sql`insert into ${t} ${sql(rows)}`).count, 500)
  assert.equal((await sql`update ${t} set ${sql({ name: 'changed' })} where id < ${5}`).count, 5)
  assert.equal((await sql`delete from ${t} where id in ${sql([400, 401])} returning id`).length, 2)
})

jsCheck('transactions', async (sql, t) => {
  await sql.begin(async tx => { await tx`insert into ${t} (id, name) values (1000, 'committed')` })
  await sql.begin('isolation level repeatable read', tx => tx`insert into ${t} (id, name) values (1001, 'committed')`)
  const rolledBack = await failure(sql.begin(async tx => {
    await tx`insert into ${t} (id, name) values (1002, 'rolled back')`
    throw new Error('the client changed its mind')
  }))
  assert.equal(rolledBack.message, 'the client changed its mind')
  const failed = await failure(sql.begin(async tx => {
    await tx`insert into ${t} (id, name) values (1003, 'failed')`
    await tx`select 1 / ${0}::int`
  }))
  assert.equal(failed.code, '22012')
  const [a, b] = await sql.begin(tx => [tx`select 1 as x`, tx`select ${2}::int as x`])
  assert.deepEqual([a[0].x, b[0].x], [1, 2])
  assert.deepEqual((await sql`select id from ${t} where id >= 1000 order by id`).map(r => r.id), ['1000', '1001'])
})

jsCheck('errors carry SQLSTATE, position and names', async (sql, t) => {
  const syntax = await failure(sql`selec 1`)
  assert.deepEqual([syntax.code, syntax.position], ['42601', '1'])
  const twice = await failure(sql`insert into ${t} (id, name) values (${1}, 'twice')`)
  assert.deepEqual([twice.code, twice.constraint_name, twice.table_name], ['23505', `${table}_pkey`, table])
  assert.equal((await sql`select 1 as one`)[0].one, 1)
})

jsCheck('pipelined queries', async sql => {
  const results = await Promise.all(Array.from({ length: 300 }, (_, n) => sql`select ${n}::int as n`))
  assert.deepEqual(results.map(r => r[0].n), Array.from({ length: 300 }, (_, n) => n))
  const mixed = await Promise.allSettled([
    sql`select 'first' as x`,
    sql`select 1 / ${0}::int as x`,
    sql.unsafe("select 'simple' as x"),
    sql`selec`,
    sql`select ${'last'}::text as x`,
  ])
  assert.deepEqual(mixed.map(r => r.value?.[0].x ?? r.reason.code), ['first', '22012', 'simple', '42601', 'last'])
})

jsCheck('a cursor', async sql => {
  const sizes = []
  for await (const rows of sql`select generate_series(1, ${250}::int) as n`.cursor(100)) sizes.push(rows.length)
  assert.deepEqual(sizes, [100, 100, 50])
  let seen = 0
  await sql`select generate_series(1, 100000) as n`.cursor(10, rows => {
    seen += rows.length
    return seen >= 30 ? sql.CLOSE : undefined
  })
  assert.equal(seen, 30)
  assert.equal((await sql`select 1 as one`)[0].one, 1)
})

jsCheck('rows one by one', async sql => {
  let sum = 0
  await sql`select generate_series(1, 20000) as n`.forEach(row => { sum += row.n })
  assert.equal(sum, (20000 * 20001) / 2)
})

jsCheck('describe', async sql => {
  const statement = await sql`select ${1}::int as a, ${'x'}::text as b`.describe()
  assert.deepEqual(statement.types, [23, 25])
  assert.deepEqual(statement.columns.map(c => c.name), ['a', 'b'])
})

jsCheck('COPY in and out', async (sql, t) => {
  const lines = Array.from({ length: 2000 }, (_, i) => `${5000 + i}\tcopied ${i}\n`)
  await pipeline(Readable.from(lines), await sql`copy ${t} (id, name) from stdin`.writable())
  assert.equal((await sql`select count(*)::int as n from ${t} where id >= 5000`)[0].n, 2000)
  // Out again, less than 16 kB: when its stream's buffer fills at the end of a COPY,
  // postgres.js pauses the socket and never resumes it.
  const chunks = []
  for await (const chunk of await sql`copy (select id, name from ${t} where id between 5000 and 5499 order by id) to stdout`.readable()) {
    chunks.push(chunk)
  }
  assert.equal(Buffer.concat(chunks).toString(), lines.slice(0, 500).join(''))
  assert.equal((await sql`select 1 as one`)[0].one, 1)
})

jsCheck('cancel', async sql => {
  for (let round = 0; round < 2; round++) {
    const query = sql`select pg_sleep(30)`
    const { canceller } = query
    let ended = false
    const error = failure(query.execute()).finally(() => { ended = true })
    // A cancel that comes before the statement has begun has no effect, and postgres.js
    // cancels a query once only: give it the means again until the statement ends.
    for (let i = 0; i < 60 && !ended; i++) {
      await wait(300)
      if (ended) break
      query.canceller = canceller
      await query.cancel()
    }
    assert.ok(ended, 'the statement outlived 60 cancels')
    assert.equal((await error).code, '57014')
    assert.equal((await sql`select 1 as one`)[0].one, 1)
  }
})

jsCheck('big values both ways', async sql => {
  const raw = crypto.randomBytes(4_000_000)
  const [row] = await sql`select ${raw}::bytea as raw`
  assert.ok(row.raw.equals(raw))
})

jsCheck('ten connections', async sql => {
  const results = await Promise.all(Array.from({ length: 400 }, (_, n) => sql`select ${n}::int as n, pg_sleep(0.001)`))
  assert.deepEqual(results.map(r => r[0].n), Array.from({ length: 400 }, (_, n) => n))
}, { max: 10 })

jsCheck('the table goes', (sql, t) => sql`drop table if exists ${t}`)

process.exit((await run('node')) ? 0 : 1)
