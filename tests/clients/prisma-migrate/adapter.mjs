// The database side of Prisma's schema engine as WebAssembly, so that it sends what the native
// engine does: one connection for a command's whole life, that engine's first statements, and a
// migration file as one simple Query. (Left to itself, the adapter has a pool, knows nothing of
// `?schema=`, and splits files at each semicolon.)
import { PrismaPg } from '@prisma/adapter-pg'
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import pg from 'pg'

// The adapter has no mapping for "char" (18), which introspection selects: it takes text (25) for the
// others' sake, and `connect` makes characters of these columns again.
const { addFields } = pg.Result.prototype
pg.Result.prototype.addFields = function (fields) {
  for (const field of fields) {
    field.isChar = field.dataTypeID === 18
    if (field.isChar) field.dataTypeID = 25
  }
  return addFields.call(this, fields)
}

/** What node-postgres makes of a URL in Prisma's form. */
export function server(url) {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url)
  return {
    host: searchParams.get('host') ?? hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  }
}

export const schemaOf = url => new URL(url).searchParams.get('schema') ?? 'public'

/** A pool of one connection, which survives an error (a pool closes it), so that a lock does, too. */
class Single extends pg.Pool {
  constructor(config) {
    super(config)
    this.only = new pg.Client(config)
  }

  async query(...parameters) {
    this.connected ??= this.only.connect()
    await this.connected
    // An idle connection does not keep the process running.
    this.only.ref()
    try {
      const result = await this.only.query(...parameters)
      this.fields = result.fields
      return result
    } finally {
      this.only.unref()
    }
  }

  end() {
    return this.only.end()
  }
}

async function connect(url) {
  const schema = schemaOf(url)
  const pool = new Single(server(url))
  await pool.query(`SET search_path = "${schema}";\n`)
  const found = await pool.query(
    `SELECT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = $1), version(), current_setting('server_version_num')::integer as numeric_version;`,
    [schema],
  )
  if (!found.rows[0].exists) await pool.query(`CREATE SCHEMA "${schema}";\n`)
  const adapter = await new PrismaPg(pool, { schema, disposeExternalPool: true }).connect()
  adapter.executeScript = async script => {
    try {
      await pool.query(script)
    } catch (error) {
      adapter.onError(error)
    }
  }
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async query => {
    const result = await queryRaw(query)
    pool.fields.forEach((field, i) => {
      if (field.isChar) result.columnTypes[i] = ColumnTypeEnum.Character
    })
    return result
  }
  return adapter
}

async function connectToShadow(url) {
  const adapter = await connect(url)
  await adapter.executeScript('DROP SCHEMA "public" CASCADE')
  await adapter.executeScript('CREATE SCHEMA "public"')
  return adapter
}

/** What the engine asks for its connections: to the database, and to the shadow database. */
export function factory(url, shadowUrl) {
  const made = new PrismaPg(server(url), { schema: schemaOf(url) })
  made.connect = () => connect(url)
  if (shadowUrl) made.connectToShadowDb = () => connectToShadow(shadowUrl)
  return made
}
