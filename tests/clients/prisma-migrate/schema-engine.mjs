#!/usr/bin/env node
// Stands in for `schema-engine`, the native program that the Prisma CLI starts for migrations and
// that no registry carries: the same engine as WebAssembly.
//
//     schema-engine.mjs --datamodels FILE --datasource JSON     JSON-RPC, a line each, on stdin and stdout
//     schema-engine.mjs cli can-connect-to-database --datasource JSON (Prisma 6: the URL)
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'
import { parseArgs } from 'node:util'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { factory, schemaOf, server } from './adapter.mjs'

const { values, positionals } = parseArgs({
  options: {
    datamodels: { type: 'string', short: 'd', multiple: true, default: [] },
    datasource: { type: 'string', default: '{}' },
  },
  allowPositionals: true,
  strict: false,
})
const datasource = values.datasource.startsWith('{') ? JSON.parse(values.datasource) : { url: values.datasource }

if (positionals[0] === 'cli') {
  const client = new pg.Client(server(datasource.url))
  try {
    if (positionals[1] !== 'can-connect-to-database') throw new Error(`not made for ${positionals[1]}`)
    await client.connect()
    await client.end()
    process.exit(0)
  } catch (error) {
    const code = { '3D000': 'P1003', ECONNREFUSED: 'P1001' }[error.code] ?? 'P1000'
    const fields = { is_panic: false, error_code: code, message: error.message, meta: {} }
    process.stderr.write(JSON.stringify({ timestamp: new Date(), level: 'ERROR', fields, target: 'schema_engine' }) + '\n')
    process.exit(1)
  }
}

const directory = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
const glue = await import(path.join(directory, 'schema_engine_bg.js'))
const wasm = new WebAssembly.Module(fs.readFileSync(path.join(directory, 'schema_engine_bg.wasm')))
const instance = new WebAssembly.Instance(wasm, { './schema_engine_bg.js': glue })
glue.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

function newEngine() {
  const adapter = bindMigrationAwareSqlAdapterFactory(factory(datasource.url, datasource.shadowDatabaseUrl))
  const datamodels = values.datamodels.map(file => [file, fs.readFileSync(file, 'utf8')])
  if (datamodels.length === 0) datamodels.push(['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n'])
  return glue.SchemaEngine.new({ datamodels }, () => {}, adapter)
}

async function execute({ datasourceType, script }) {
  const url = datasourceType.url ?? datasource.url
  const client = new pg.Client(server(url))
  await client.connect()
  try {
    await client.query(`SET search_path = "${schemaOf(url)}";\n`)
    await client.query(script)
  } finally {
    await client.end()
  }
  return null
}

let engine
async function call(method, params) {
  if (method === 'dbExecute') return execute(params)
  engine ??= await newEngine()
  try {
    return await engine[method === 'getDatabaseVersion' ? 'version' : method](params)
  } catch (error) {
    // As WebAssembly, these two read only what devDiagnostic has kept of the shadow database.
    if (!/external factory/.test(error.message) || !params.migrationsList) throw error
    const filters = params.filters ?? { externalTables: [], externalEnums: [] }
    await engine.devDiagnostic({ migrationsList: params.migrationsList, filters })
    return engine[method](params)
  }
}

const answer = message => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n')
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (!method) continue
  try {
    const result = await call(method, params)
    if (method === 'diff' && result.stdout) answer({ id: 'print', method: 'print', params: { content: result.stdout } })
    answer({ id, result: result === undefined ? {} : result })
  } catch (error) {
    const data = { is_panic: false, message: error.message, error_code: error.code ?? null, meta: error.meta ?? null, backtrace: null }
    answer({ id, error: { code: 4466, message: 'An error happened. Check the data field for details.', data } })
  }
}
process.exit(0)
