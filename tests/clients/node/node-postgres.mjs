// node-postgres, pg-cursor, pg-query-stream. The server's address comes from DATABASE_URL.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { once } from 'node:events'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { check, failure, run } from './check.mjs'

const connectionString = process.env.DATABASE_URL
const table = `nodepg_${crypto.randomBytes(6).toString('hex')}`

async function withClient(body, options = {}) {
  const client = new pg.Client({ connectionString, ...options })
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.end()
  }
}

const pgCheck = (name, body, options) => check(`pg: ${name}`, () => withClient(body, options))

pgCheck('login', async client => {
  const { rows } = await client.query("select current_user as who, current_setting('application_name') as name")
  assert.deepEqual(rows, [{ who: 'admin', name: 'the suite' }])
}, { application_name: 'the suite' })

// Node.js tries ::1 first.
check('pg: localhost', async () => {
  const url = new URL(connectionString)
  if (url.hostname === '127.0.0.1') url.hostname = 'localhost'
  await withClient(async client => assert.equal((await client.query('select 1 as one')).rows[0].one, 1), {
    connectionString: url.href,
  })
})

pgCheck('tables', async client => {
  await client.query(`create table ${table} (id bigint primary key, name text not null, data jsonb, raw bytea)`)
})

pgCheck('several statements in one query', async client => {
  const results = await client.query("select 1 as a; select 'x' as b, 2 as c; select 3 as d where false")
  assert.deepEqual(results.map(r => r.rows), [[{ a: 1 }], [{ b: 'x', c: 2 }], []])
})

pgCheck('an empty query', async client => {
  assert.deepEqual((await client.query('')).rows, [])
  assert.deepEqual((await client.query(';')).rows, [])
})

pgCheck('parameters and types', async client => {
  const at = new Date('2026-11-21T12:30:15.123Z')
  const raw = Buffer.from([0, 255, 10])
  const { rows } = await client.query(
    'select $1::int as i, $2::bigint as big, $3::text as t, $4::jsonb as j, $5::timestamptz as at, $6::bytea as raw, $7::bool as b, $8::text as n, $9::numeric as num',
    [1, '4611686018427387904', 'naïve 東京 🦀', { a: [1, null] }, at, raw, true, null, '1.50'],
  )
  assert.deepEqual(rows[0], { i: 1, big: '4611686018427387904', t: 'naïve 東京 🦀', j: { a: [1, null] }, at, raw, b: true, n: null, num: '1.50' })
})

pgCheck('named statements', async client => {
  const double = n => client.query({ name: 'double', text: 'select $1::int * 2 as x', values: [n] })
  const triple = n => client.query({ name: 'triple', text: 'select $1::int * 3 as x', values: [n] })
  for (let n = 0; n < 10; n++) {
    assert.equal((await double(n)).rows[0].x, n * 2)
    assert.equal((await triple(n)).rows[0].x, n * 3)
  }
})

check('pg: the same statement name on two connections', () => withClient(one => withClient(async two => {
  for (let n = 0; n < 5; n++) {
    const [a, b] = await Promise.all([
      one.query({ name: 's', text: 'select $1::int as x', values: [n] }),
      two.query({ name: 's', text: "select $1::text || '!' as x", values: [n] }),
    ])
    assert.deepEqual([a.rows[0].x, b.rows[0].x], [n, `${n}!`])
  }
})))

pgCheck('binary results', async client => {
  const { rows } = await client.query({ text: 'select $1::int as i, $2::text as t', values: [7, 'x'], binary: true })
  assert.deepEqual(rows, [{ i: 7, t: 'x' }])
})

pgCheck('inserts, updates, deletes and their counts', async client => {
  for (let id = 0; id < 20; id++) {
    const { rows } = await client.query(`insert into ${table} values ($1, $2, $3) returning id`, [id, `name ${id}`, { id }])
    assert.equal(rows[0].id, String(id))
  }
  assert.equal((await client.query(`update ${table} set name = upper(name) where id < $1`, [5])).rowCount, 5)
  assert.equal((await client.query(`delete from ${table} where id >= $1`, [10])).rowCount, 10)
  assert.equal((await client.query(`select data from ${table} where id = 3`)).rows[0].data.id, 3)
})

pgCheck('transactions', async client => {
  await client.query('begin isolation level repeatable read')
  await client.query(`insert into ${table} values ($1, $2)`, [100, 'rolled back'])
  await client.query('rollback')
  await client.query('begin')
  await client.query(`insert into ${table} values ($1, $2)`, [101, 'committed'])
  await client.query('commit')
  await client.query('begin')
  await client.query(`insert into ${table} values ($1, $2)`, [102, 'failed'])
  assert.equal((await failure(client.query('select 1 / 0'))).code, '22012')
  assert.equal((await failure(client.query('select 1'))).code, '25P02')
  assert.equal((await client.query('commit')).command, 'ROLLBACK')
  const { rows } = await client.query(`select id from ${table} where id >= 100`)
  assert.deepEqual(rows, [{ id: '101' }])
})

pgCheck('errors carry SQLSTATE, position and names', async client => {
  const syntax = await failure(client.query('selec 1'))
  assert.deepEqual([syntax.code, syntax.position, syntax.severity], ['42601', '1', 'ERROR'])
  const missing = await failure(client.query('select $1::int, no_such_column', [1]))
  assert.deepEqual([missing.code, missing.position], ['42703', '17'])
  const twice = await failure(client.query(`insert into ${table} values ($1, $2)`, [1, 'twice']))
  assert.deepEqual([twice.code, twice.constraint, twice.table], ['23505', `${table}_pkey`, table])
  assert.match(twice.detail, /Key \(id\)=\(1\) already exists/)
  assert.equal((await client.query('select 1 as one')).rows[0].one, 1)
})

pgCheck('an error of a named statement at Parse and at Execute', async client => {
  const bad = { name: 'bad', text: 'select * from no_such_table where id = $1', values: [1] }
  assert.equal((await failure(client.query(bad))).code, '42P01')
  const divide = n => client.query({ name: 'divide', text: 'select 10 / $1::int as x', values: [n] })
  assert.equal((await divide(5)).rows[0].x, 2)
  assert.equal((await failure(divide(0))).code, '22012')
  assert.equal((await divide(2)).rows[0].x, 5)
})

pgCheck('notices', async client => {
  const notice = once(client, 'notice')
  await client.query('drop table if exists no_such_table')
  assert.match((await notice)[0].message, /"no_such_table" does not exist, skipping/)
})

pgCheck('pipelined queries', async client => {
  const results = await Promise.all(Array.from({ length: 300 }, (_, n) => client.query('select $1::int as n', [n])))
  assert.deepEqual(results.map(r => r.rows[0].n), Array.from({ length: 300 }, (_, n) => n))
  const mixed = await Promise.allSettled([
    client.query("select 'simple' as x"),
    client.query('select 1 / $1::int', [0]),
    client.query({ name: 'p', text: 'select $1::text as x', values: ['named'] }),
    client.query('selec'),
    client.query("select 'last' as x"),
  ])
  assert.deepEqual(mixed.map(r => r.value?.rows[0].x ?? r.reason.code), ['simple', '22012', 'named', '42601', 'last'])
}, { pipeline: true })

pgCheck('a cursor, in a transaction and outside', async client => {
  for (const block of [false, true]) {
    if (block) await client.query('begin')
    const cursor = client.query(new Cursor('select generate_series(1, $1::int) as n', [250]))
    const sizes = []
    let sum = 0
    for (;;) {
      const rows = await cursor.read(100)
      if (rows.length === 0) break
      sizes.push(rows.length)
      sum += rows.reduce((total, row) => total + row.n, 0)
    }
    assert.deepEqual([sizes, sum], [[100, 100, 50], (250 * 251) / 2])
    await cursor.close()
    if (block) await client.query('commit')
  }
  const early = client.query(new Cursor('select generate_series(1, 1000000) as n'))
  assert.equal((await early.read(10)).length, 10)
  await early.close()
  assert.equal((await client.query('select 1 as one')).rows[0].one, 1)
  const wrong = client.query(new Cursor('select 1 / (5 - n) from generate_series(1, 10) n'))
  assert.equal((await failure((async () => { while ((await wrong.read(2)).length > 0); })())).code, '22012')
  assert.equal((await client.query('select 1 as one')).rows[0].one, 1)
})

pgCheck('a stream', async client => {
  const stream = client.query(new QueryStream('select n, md5(n::text) as hash from generate_series(1, $1::int) n', [20000]))
  let count = 0
  for await (const row of stream) {
    count += 1
    if (row.n % 5000 === 0) assert.equal(row.hash, crypto.createHash('md5').update(String(row.n)).digest('hex'))
  }
  assert.equal(count, 20000)
})

pgCheck('big values both ways', async client => {
  const raw = crypto.randomBytes(4_000_000)
  const { rows } = await client.query('select $1::bytea as raw, length($1::bytea) as length', [raw])
  assert.equal(rows[0].length, raw.length)
  assert.ok(rows[0].raw.equals(raw))
  await client.query(`insert into ${table} values (200, 'big', null, $1)`, [raw.subarray(0, 900_000)])
  const back = await client.query(`select raw from ${table} where id = 200`)
  assert.ok(back.rows[0].raw.equals(raw.subarray(0, 900_000)))
})

check('pg: a pool', async () => {
  const pool = new pg.Pool({ connectionString, max: 5 })
  try {
    const results = await Promise.all(Array.from({ length: 200 }, (_, n) => pool.query('select $1::int as n', [n])))
    assert.deepEqual(results.map(r => r.rows[0].n), Array.from({ length: 200 }, (_, n) => n))
    const client = await pool.connect()
    await client.query('begin')
    await client.query('rollback')
    client.release()
  } finally {
    await pool.end()
  }
})

check('pg: TLS that the client insists on is refused', async () => {
  const error = await failure(withClient(() => {}, { ssl: { rejectUnauthorized: false } }))
  assert.match(error.message, /does not support SSL/)
})

pgCheck('the table goes', client => client.query(`drop table if exists ${table}`))

process.exit((await run('node')) ? 0 : 1)
