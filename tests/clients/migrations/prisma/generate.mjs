// What `prisma migrate diff --script` prints, from the engine that writes it: nothing -> first
// schema -> second schema. (The CLI would start a native engine that no registry carries;
// this is the same engine as WebAssembly.)
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { scratch, write } from '../lib.mjs'

const directory = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
const glue = await import(path.join(directory, 'schema_engine_bg.js'))
const module = new WebAssembly.Module(fs.readFileSync(path.join(directory, 'schema_engine_bg.wasm')))
const instance = new WebAssembly.Instance(module, { './schema_engine_bg.js': glue })
glue.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

const schema = name => {
  const file = path.join(import.meta.dirname, `${name}.prisma`)
  return [file, fs.readFileSync(file, 'utf8')]
}
const model = name => {
  const [file, content] = schema(name)
  return { tag: 'schemaDatamodel', files: [{ path: file, content }] }
}
// It asks the server for its version before it compares two schemas.
const server = { host: scratch.host, user: scratch.username, database: 'postgres' }
const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(server))
const engine = await glue.SchemaEngine.new({ datamodels: [schema('second')] }, () => {}, adapter)

const written = []
for (const [from, to] of [[{ tag: 'empty' }, model('first')], [model('first'), model('second')]]) {
  const { stdout } = await engine.diff({
    from, to, script: true, shadowDatabaseUrl: null, exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  })
  written.push(stdout)
}
write(written)
