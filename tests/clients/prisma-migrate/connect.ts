import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client.ts'

/** The generated client on DATABASE_URL, in the schema that the URL names. */
export function connect() {
  const connectionString = process.env.DATABASE_URL
  const schema = new URL(connectionString!).searchParams.get('schema') ?? undefined
  return new PrismaClient({ adapter: new PrismaPg({ connectionString }, { schema }) })
}
