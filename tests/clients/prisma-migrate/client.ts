// The generated client on tables that Prisma's own migrations have made. The seed is in them.
import assert from 'node:assert/strict'
import { check, failure, run } from './check.mjs'
import { connect } from './connect.ts'

const prisma = connect()

check('an Int @id @default(autoincrement()) is read back as a number', async () => {
  const made = await prisma.user.create({ data: { email: 'increment@example.org' } })
  assert.equal(typeof made.id, 'number')
  assert.deepEqual(made, { id: made.id, email: 'increment@example.org', name: null, active: true, note: null })
  assert.deepEqual(await prisma.user.findUnique({ where: { id: made.id } }), made)
  const next = await prisma.user.create({ data: { email: 'next@example.org' } })
  assert.ok(next.id !== made.id)
})

check('what the seed has made', async () => {
  const users = await prisma.user.findMany({
    where: { posts: { some: {} } },
    include: { posts: { orderBy: { title: 'asc' } } },
    orderBy: { email: 'asc' },
  })
  assert.deepEqual(users.map(user => user.name), ['ada', 'barbara', 'grace'])
  assert.deepEqual(users[0].posts.map(post => [post.title, post.published, post.views]), [
    ['first of ada', false, 0n],
    ['second of ada', true, 7n],
  ])
  assert.ok(users.every(user => user.posts.every(post => post.authorId === user.id)))
})

check('create, update, upsert, delete, through a relation by the number', async () => {
  const user = await prisma.user.create({ data: { email: 'crud@example.org', posts: { create: { title: 'one', meta: { a: [1] } } } }, include: { posts: true } })
  assert.deepEqual(user.posts.map(post => [post.title, post.authorId, post.meta]), [['one', user.id, { a: [1] }]])
  const post = await prisma.post.create({ data: { title: 'two', author: { connect: { id: user.id } } } })
  assert.equal(post.authorId, user.id)
  assert.equal((await prisma.user.update({ where: { id: user.id }, data: { note: 'x', active: false } })).active, false)
  const upserted = await prisma.user.upsert({ where: { email: 'crud@example.org' }, create: { email: 'crud@example.org' }, update: { name: 'again' } })
  assert.deepEqual([upserted.id, upserted.name], [user.id, 'again'])
  assert.equal((await prisma.post.deleteMany({ where: { authorId: user.id } })).count, 2)
  await prisma.user.delete({ where: { id: user.id } })
})

check('createMany, and the unique violation P2002', async () => {
  const data = Array.from({ length: 20 }, (_, i) => ({ email: `many${i}@example.org` }))
  assert.equal((await prisma.user.createMany({ data })).count, 20)
  const made = await prisma.user.findMany({ where: { email: { startsWith: 'many' } } })
  assert.equal(new Set(made.map(user => user.id)).size, 20)
  const error: any = await failure(prisma.user.create({ data: { email: 'many3@example.org' } }))
  assert.equal(error.code, 'P2002')
  await prisma.user.deleteMany({ where: { id: { in: made.map(user => user.id) } } })
})

check('an interactive transaction, committed and rolled back', async () => {
  const id = await prisma.$transaction(async tx => {
    const user = await tx.user.create({ data: { email: 'tx@example.org' } })
    await tx.post.create({ data: { title: 'in a transaction', authorId: user.id } })
    assert.equal(await tx.post.count({ where: { authorId: user.id } }), 1)
    return user.id
  })
  const error = await failure(prisma.$transaction(async tx => {
    await tx.post.deleteMany({ where: { authorId: id } })
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  assert.equal(await prisma.post.count({ where: { authorId: id } }), 1)
})

const passed = await run(process.argv[2])
await prisma.$disconnect()
process.exit(passed ? 0 : 1)
