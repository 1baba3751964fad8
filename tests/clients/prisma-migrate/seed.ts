// What `prisma db seed` runs: three users with two posts each.
import { connect } from './connect.ts'

const prisma = connect()
for (const name of ['ada', 'grace', 'barbara']) {
  await prisma.user.create({
    data: {
      email: `${name}@example.org`,
      name,
      posts: { create: [{ title: `first of ${name}` }, { title: `second of ${name}`, published: true, views: 7n }] },
    },
  })
}
console.log(`seeded ${await prisma.post.count()} posts`)
await prisma.$disconnect()
