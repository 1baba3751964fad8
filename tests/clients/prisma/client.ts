// Prisma Client 7 through @prisma/adapter-pg. The server's address comes from DATABASE_URL.
//
// Not here: $transaction with an isolationLevel, which sends SET TRANSACTION ISOLATION
// LEVEL; DSQL refuses it.
import assert from 'node:assert/strict'
import { PrismaPg } from '@prisma/adapter-pg'
import { check, failure, run } from './check.mjs'
import { Prisma, PrismaClient } from './generated/client.ts'

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) })
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

check('create, with defaults of the database', async () => {
  const author = await prisma.author.create({ data: { email: 'ada@example.org', name: 'Ada' } })
  assert.match(author.id, uuid)
  assert.ok(author.createdAt instanceof Date)
  assert.equal(author.balance.toString(), '0')
  assert.equal(author.settings, null)
})

check('nested create, include, select', async () => {
  const author = await prisma.author.create({
    data: {
      email: 'grace@example.org',
      posts: { create: [{ title: 'first', published: true }, { title: 'second' }] },
    },
    include: { posts: true },
  })
  assert.deepEqual(author.posts.map(p => p.title).sort(), ['first', 'second'])
  const found = await prisma.author.findUniqueOrThrow({
    where: { email: 'grace@example.org' },
    select: { name: true, posts: { where: { published: true }, select: { title: true } }, _count: { select: { posts: true } } },
  })
  assert.deepEqual(found, { name: null, posts: [{ title: 'first' }], _count: { posts: 2 } })
  const post = await prisma.post.create({
    data: { title: 'third', author: { connect: { email: 'ada@example.org' } } },
    include: { author: true },
  })
  assert.equal(post.author.name, 'Ada')
})

check('Decimal, Json, DateTime, BigInt, Bytes', async () => {
  const at = new Date('2026-11-21T12:30:15.123Z')
  const { id } = await prisma.author.create({
    data: {
      email: 'types@example.org',
      balance: new Prisma.Decimal('123456789012.345678'),
      settings: { theme: 'dark', list: [1, null, 'x'], nested: { ok: true } },
      createdAt: at,
      posts: { create: { title: 'naïve 東京 🦀', views: 2n ** 62n, publishedAt: at, cover: new Uint8Array([0, 255, 10]) } },
    },
  })
  const author = await prisma.author.findUniqueOrThrow({ where: { id }, include: { posts: true } })
  assert.equal(author.balance.toString(), '123456789012.345678')
  assert.deepEqual(author.settings, { theme: 'dark', list: [1, null, 'x'], nested: { ok: true } })
  assert.deepEqual(author.createdAt, at)
  const [post] = author.posts
  assert.equal(post.title, 'naïve 東京 🦀')
  assert.equal(post.views, 2n ** 62n)
  assert.deepEqual(post.publishedAt, at)
  assert.deepEqual([...post.cover!], [0, 255, 10])
  assert.equal(await prisma.author.count({ where: { settings: { path: ['theme'], equals: 'dark' } } }), 1)
})

check('createMany, findMany with filters, order and pages', async () => {
  const author = await prisma.author.create({ data: { email: 'many@example.org' } })
  const made = await prisma.post.createMany({
    data: Array.from({ length: 100 }, (_, i) => ({ title: `post ${String(i).padStart(3, '0')}`, views: i, authorId: author.id })),
  })
  assert.equal(made.count, 100)
  const page = await prisma.post.findMany({
    where: { authorId: author.id, views: { gte: 10 }, OR: [{ title: { endsWith: '5' } }, { title: { contains: '7' } }] },
    orderBy: [{ views: 'desc' }],
    skip: 2,
    take: 3,
    select: { title: true },
  })
  assert.deepEqual(page.map(p => p.title), ['post 087', 'post 085', 'post 079'])
  const sums = await prisma.post.aggregate({ where: { authorId: author.id }, _sum: { views: true }, _max: { title: true }, _count: true })
  assert.deepEqual(sums, { _sum: { views: 4950n }, _max: { title: 'post 099' }, _count: 100 })
  const groups = await prisma.post.groupBy({ by: ['published'], where: { authorId: author.id }, _count: true })
  assert.deepEqual(groups, [{ published: false, _count: 100 }])
})

check('update, updateMany, upsert, increment', async () => {
  const updated = await prisma.author.update({
    where: { email: 'ada@example.org' },
    data: { name: 'Ada Lovelace', balance: { increment: new Prisma.Decimal('10.5') } },
  })
  assert.deepEqual([updated.name, updated.balance.toString()], ['Ada Lovelace', '10.5'])
  const many = await prisma.post.updateMany({ where: { title: { startsWith: 'post 00' } }, data: { published: true } })
  assert.equal(many.count, 10)
  for (const name of ['made', 'found']) {
    const author = await prisma.author.upsert({
      where: { email: 'upsert@example.org' },
      create: { email: 'upsert@example.org', name },
      update: { name },
    })
    assert.equal(author.name, name)
  }
})

check('delete, with the relation kept by Prisma', async () => {
  const { id } = await prisma.author.create({ data: { email: 'gone@example.org', posts: { create: [{ title: 'a' }, { title: 'b' }] } } })
  await prisma.author.delete({ where: { id } })
  assert.equal(await prisma.post.count({ where: { authorId: id } }), 0)
  const { count } = await prisma.post.deleteMany({ where: { title: { startsWith: 'post 01' } } })
  assert.equal(count, 10)
})

check('$transaction with an array', async () => {
  const [author, posts] = await prisma.$transaction([
    prisma.author.create({ data: { email: 'array@example.org' } }),
    prisma.post.count(),
  ])
  assert.equal(author.email, 'array@example.org')
  assert.ok(posts > 0)
  const error: any = await failure(prisma.$transaction([
    prisma.author.create({ data: { email: 'array-rolled-back@example.org' } }),
    prisma.author.create({ data: { email: 'array@example.org' } }),
  ]))
  assert.equal(error.code, 'P2002')
  assert.equal(await prisma.author.findUnique({ where: { email: 'array-rolled-back@example.org' } }), null)
})

check('interactive $transaction, committed and rolled back', async () => {
  const total = await prisma.$transaction(async tx => {
    const author = await tx.author.create({ data: { email: 'interactive@example.org', balance: 100 } })
    await tx.author.update({ where: { id: author.id }, data: { balance: { decrement: 30 } } })
    return (await tx.author.findUniqueOrThrow({ where: { id: author.id } })).balance.toNumber()
  })
  assert.equal(total, 70)
  const error: any = await failure(prisma.$transaction(async tx => {
    await tx.author.update({ where: { email: 'interactive@example.org' }, data: { balance: 0 } })
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  const author = await prisma.author.findUniqueOrThrow({ where: { email: 'interactive@example.org' } })
  assert.equal(author.balance.toNumber(), 70)
})

check('a unique violation is P2002 and names the field', async () => {
  const error: any = await failure(prisma.author.create({ data: { email: 'ada@example.org' } }))
  assert.ok(error instanceof Prisma.PrismaClientKnownRequestError)
  assert.equal(error.code, 'P2002')
  assert.match(JSON.stringify(error.meta), /email/)
})

check('a missing row is P2025, a missing table P2010', async () => {
  const missing: any = await failure(prisma.author.update({ where: { email: 'nobody@example.org' }, data: { name: 'x' } }))
  assert.equal(missing.code, 'P2025')
  const raw: any = await failure(prisma.$queryRaw`select * from no_such_table`)
  assert.equal(raw.code, 'P2010')
  assert.match(JSON.stringify(raw.meta), /42P01|does not exist/)
})

check('raw queries', async () => {
  const rows = await prisma.$queryRaw<{ n: number; name: string }[]>`select ${7}::int as n, ${'x'} || '!' as name`
  assert.deepEqual(rows, [{ n: 7, name: 'x!' }])
  const changed = await prisma.$executeRaw`update prisma_author set name = ${'raw'} where email = ${'types@example.org'}`
  assert.equal(changed, 1)
  assert.equal(await prisma.$executeRawUnsafe('delete from prisma_author where email = $1', 'nobody@example.org'), 0)
})

check('fifty queries at once', async () => {
  const counts = await Promise.all(Array.from({ length: 50 }, (_, i) => prisma.post.count({ where: { views: i } })))
  assert.ok(counts.every(n => n >= 0))
  assert.equal((await prisma.author.findMany({ take: 2, orderBy: { email: 'asc' } })).length, 2)
})

const passed = await run('prisma')
await prisma.$disconnect()
process.exit(passed ? 0 : 1)
