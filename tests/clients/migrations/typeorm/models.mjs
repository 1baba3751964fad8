import { EntitySchema } from 'typeorm'

const user = {
  name: 'User',
  columns: {
    id: { type: 'int', primary: true, generated: 'increment' },
    email: { type: 'varchar', length: 255, unique: true },
    name: { type: 'varchar', nullable: true },
    role: { type: 'enum', enum: ['reader', 'author'], default: 'reader' },
    balance: { type: 'numeric', precision: 12, scale: 2, default: 0 },
    total: { type: 'numeric', nullable: true },
    settings: { type: 'jsonb', default: {} },
    nicknames: { type: 'text', array: true, default: [] },
    nick: { type: 'varchar', length: 20, nullable: true, collation: 'C' },
    createdAt: { type: 'timestamp with time zone', createDate: true },
  },
  relations: {
    posts: { type: 'one-to-many', target: 'Post', inverseSide: 'author' },
  },
  indices: [{ columns: ['name', 'role'] }],
  checks: [{ expression: '"balance" >= 0' }],
}

const post = {
  name: 'Post',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    slug: { type: 'varchar', length: 120 },
    title: { type: 'text' },
    views: { type: 'bigint', default: 0 },
    score: { type: 'double precision', default: 0 },
    rank: { type: 'smallint', default: 0 },
    origin: { type: 'inet', nullable: true },
    place: { type: 'point', nullable: true },
    cover: { type: 'bytea', nullable: true },
    published: { type: 'boolean', default: false },
    upper: { type: 'text', asExpression: 'upper(slug)', generatedType: 'STORED' },
  },
  relations: {
    author: { type: 'many-to-one', target: 'User', inverseSide: 'posts', onDelete: 'CASCADE', nullable: false },
    tags: { type: 'many-to-many', target: 'Tag', joinTable: true },
  },
  uniques: [{ columns: ['slug', 'author'] }],
  indices: [
    { columns: ['published'], where: '"published"' },
    { columns: ['rank'], unique: true },
  ],
}

const tag = {
  name: 'Tag',
  columns: {
    id: { type: 'smallint', primary: true, generated: 'identity', generatedIdentity: 'BY DEFAULT' },
    label: { type: 'varchar', length: 40, unique: true },
  },
}

const period = {
  name: 'Period',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'increment' },
    days: { type: 'daterange', nullable: true },
    bits: { type: 'bit', length: 8, nullable: true },
    words: { type: 'tsvector', nullable: true },
    lasted: { type: 'interval', nullable: true },
  },
  exclusions: [{ expression: 'USING gist ("days" WITH &&)' }],
}

const view = {
  name: 'Headline',
  type: 'view',
  expression: 'SELECT "id", "title" FROM "post"',
  columns: { id: { type: 'uuid' }, title: { type: 'text' } },
}

/** `original` with `columns` added or replaced, and without the columns named in `gone`. */
const changed = (original, columns, gone = []) => ({
  ...original,
  columns: Object.fromEntries(Object.entries({ ...original.columns, ...columns }).filter(([name]) => !gone.includes(name))),
})

const schemas = list => list.map(options => new EntitySchema(options))

export const first = schemas([user, post, tag, period, view])
export const second = schemas([
  {
    ...changed(user, {
      email: { type: 'varchar', length: 320, unique: true },
      name: { type: 'varchar' },
      role: { type: 'enum', enum: ['reader', 'author', 'owner'], default: 'author' },
      balance: { type: 'numeric', precision: 12, scale: 2, nullable: true },
      phone: { type: 'varchar', nullable: true, unique: true },
      active: { type: 'boolean', default: true },
    }, ['nicknames']),
    indices: [],
    checks: [{ expression: '"balance" >= 10' }],
  },
  changed(post, { title: { type: 'text', nullable: true }, editedAt: { type: 'date', nullable: true, comment: 'by hand' } }, ['cover']),
  { ...tag, relations: { parent: { type: 'many-to-one', target: 'Tag', onDelete: 'SET NULL' } } },
  view,
])
