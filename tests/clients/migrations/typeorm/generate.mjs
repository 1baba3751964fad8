// What TypeORM would run to bring a database to a model: first an empty one, then that of the first model.
import 'reflect-metadata'
import { DataSource } from 'typeorm'
import { scratch, write } from '../lib.mjs'
import { first, second } from './models.mjs'

const written = []
const extensions = new Set()
for (const entities of [first, second]) {
  const source = new DataSource({
    type: 'postgres',
    ...scratch,
    database: 'typeorm',
    entities,
    logging: true,
    logger: {
      logQuery: sql => /^CREATE EXTENSION/.test(sql) && extensions.add(sql),
      logQueryError: () => {}, logQuerySlow: () => {}, logSchemaBuild: () => {}, logMigration: () => {}, log: () => {},
    },
  })
  await source.initialize()
  const { upQueries } = await source.driver.createSchemaBuilder().log()
  // Not its notes on views and generated columns, which are rows in a table of its own.
  written.push(...upQueries.map(({ query }) => query).filter(sql => !sql.includes('typeorm_metadata')))
  await source.synchronize()
  await source.destroy()
}
// It creates the extension when it connects.
write([...extensions, ...written])
