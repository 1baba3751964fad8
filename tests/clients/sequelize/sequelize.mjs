// Sequelize 6. The server's address comes from DATABASE_URL; all options are the defaults.
import assert from 'node:assert/strict'
import { DataTypes, Op, QueryTypes, Sequelize, Transaction, UniqueConstraintError } from 'sequelize'
import { check, failure, run } from './check.mjs'

const sequelize = new Sequelize(process.env.DATABASE_URL, { dialect: 'postgres', logging: false })
const query = sequelize.getQueryInterface()

const User = sequelize.define('SequelizeUser', {
  email: { type: DataTypes.STRING, allowNull: false, unique: true },
  name: DataTypes.STRING,
  visits: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
  settings: DataTypes.JSONB,
}, { indexes: [{ fields: ['name'] }] })
const Post = sequelize.define('SequelizePost', {
  id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
  title: { type: DataTypes.TEXT, allowNull: false },
})
User.hasMany(Post, { foreignKey: 'userId', onDelete: 'CASCADE' })
Post.belongsTo(User, { foreignKey: 'userId' })

async function clean() {
  for (const table of ['SequelizeExtras', 'SequelizePosts', 'SequelizeUsers']) await sequelize.query(`DROP TABLE IF EXISTS "${table}"`)
}

check('authenticate', async () => {
  await sequelize.authenticate()
  await clean()
})

check('sync makes the tables', async () => {
  await sequelize.sync()
  assert.deepEqual(Object.keys(await query.describeTable('SequelizeUsers')).sort(),
    ['createdAt', 'email', 'id', 'name', 'settings', 'updatedAt', 'visits'])
  const indexes = await query.showIndex('SequelizeUsers')
  assert.ok(indexes.some(index => !index.primary && index.fields[0].attribute === 'name'))
})

check('sync again changes nothing', () => sequelize.sync())

check('create reads back an automatic id', async () => {
  const user = await User.create({ email: 'ada@example.org', name: 'Ada', settings: { theme: 'dark' } })
  assert.equal(typeof user.id, 'number')
  const found = await User.findByPk(user.id)
  assert.deepEqual([found.email, found.visits, found.settings], ['ada@example.org', 0, { theme: 'dark' }])
  const post = await user.createSequelizePost({ title: 'first' })
  assert.equal(post.userId, user.id)
})

check('bulkCreate', async () => {
  const users = await User.bulkCreate(
    Array.from({ length: 100 }, (_, i) => ({ email: `bulk${i}@example.org`, visits: i })), { returning: true })
  assert.equal(new Set(users.map(user => user.id)).size, 100)
  await User.bulkCreate([{ email: 'bulk7@example.org', visits: 700 }], { updateOnDuplicate: ['visits'] })
  assert.equal((await User.findOne({ where: { email: 'bulk7@example.org' } })).visits, 700)
  await User.bulkCreate([{ email: 'bulk8@example.org', visits: 800 }], { ignoreDuplicates: true })
  assert.equal((await User.findOne({ where: { email: 'bulk8@example.org' } })).visits, 8)
})

check('upsert', async () => {
  const email = 'upsert@example.org'
  for (const name of ['made', 'found']) {
    const [user] = await User.upsert({ email, name })
    assert.equal(user.name, name)
  }
  assert.equal(await User.count({ where: { email } }), 1)
})

check('findAll with include, order and limit; update, increment, destroy', async () => {
  const users = await User.findAll({ where: { email: { [Op.like]: 'ada%' } }, include: Post, order: [['id', 'ASC']], limit: 5 })
  assert.deepEqual(users.map(user => user.SequelizePosts.map(post => post.title)), [['first']])
  const [changed] = await User.update({ name: 'many' }, { where: { visits: { [Op.between]: [10, 19] } } })
  assert.equal(changed, 10)
  await users[0].increment('visits', { by: 5 })
  assert.equal((await users[0].reload()).visits, 5)
  assert.equal(await User.destroy({ where: { name: 'many' } }), 10)
})

check('an error is a UniqueConstraintError that names the field', async () => {
  const error = await failure(User.create({ email: 'ada@example.org' }))
  assert.ok(error instanceof UniqueConstraintError, String(error))
  assert.deepEqual(Object.keys(error.fields), ['email'])
})

check('a transaction, committed and rolled back', async () => {
  await sequelize.transaction(async transaction => {
    const user = await User.create({ email: 'tx@example.org' }, { transaction })
    await Post.create({ title: 'in a transaction', userId: user.id }, { transaction })
  })
  const error = await failure(sequelize.transaction(async transaction => {
    await User.update({ name: 'x' }, { where: { email: 'tx@example.org' }, transaction })
    throw new Error('the application changed its mind')
  }))
  assert.equal(error.message, 'the application changed its mind')
  assert.equal((await User.findOne({ where: { email: 'tx@example.org' } })).name, null)
})

check('a transaction with an isolation level', async () => {
  const count = await sequelize.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ },
    transaction => User.count({ where: { email: 'tx@example.org' }, transaction }))
  assert.equal(count, 1)
})

check('select for update', async () => {
  await sequelize.transaction(async transaction => {
    const user = await User.findOne({ where: { email: 'tx@example.org' }, lock: transaction.LOCK.UPDATE, transaction })
    await user.update({ visits: 1 }, { transaction })
  })
})

check('queries of one’s own, with replacements and with bound parameters', async () => {
  const rows = await sequelize.query('select :n::int as n', { replacements: { n: 7 }, type: QueryTypes.SELECT })
  assert.deepEqual(rows, [{ n: 7 }])
  assert.deepEqual(await sequelize.query('select $1::text as t', { bind: ['x'], type: QueryTypes.SELECT }), [{ t: 'x' }])
})

check('sync({ alter: true }) adds a column with a default', async () => {
  sequelize.define('SequelizePost', {
    id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
    title: { type: DataTypes.TEXT, allowNull: false },
    published: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    note: DataTypes.STRING(50),
    userId: { type: DataTypes.INTEGER, references: { model: User, key: 'id' }, onDelete: 'CASCADE' },
  })
  await sequelize.models.SequelizePost.sync({ alter: true })
  const rows = await sequelize.query('select distinct published from "SequelizePosts"', { type: QueryTypes.SELECT })
  assert.deepEqual(rows, [{ published: false }])
})

check('a migration with the query interface', async () => {
  await query.createTable('SequelizeExtras', {
    id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
    label: { type: DataTypes.STRING, unique: true },
    userId: { type: DataTypes.INTEGER, references: { model: 'SequelizeUsers', key: 'id' } },
  })
  await query.addColumn('SequelizeExtras', 'rank', { type: DataTypes.INTEGER, allowNull: false, defaultValue: 3 })
  await query.addIndex('SequelizeExtras', ['rank'])
  await query.addConstraint('SequelizeExtras', { type: 'unique', name: 'sequelize_extras_rank_label', fields: ['rank', 'label'] })
  await query.addConstraint('SequelizeExtras', { type: 'check', name: 'sequelize_extras_positive', fields: ['rank'], where: { rank: { [Op.gte]: 0 } } })
  await query.renameColumn('SequelizeExtras', 'rank', 'place')
  await query.bulkInsert('SequelizeExtras', [{ label: 'b', place: 1 }])
  await query.bulkInsert('SequelizeExtras', [{ label: 'a' }])
  const rows = await sequelize.query('select label, place from "SequelizeExtras" order by label', { type: QueryTypes.SELECT })
  assert.deepEqual(rows, [{ label: 'a', place: 3 }, { label: 'b', place: 1 }])
  await query.removeConstraint('SequelizeExtras', 'sequelize_extras_positive')
  await query.removeIndex('SequelizeExtras', ['rank'])
  await query.dropTable('SequelizeExtras')
})

check('findOrCreate: finds, and makes or says what to call instead', async () => {
  const [found, made] = await User.findOrCreate({ where: { email: 'ada@example.org' } })
  assert.deepEqual([found.name, made], ['Ada', false])
  try {
    const [, made] = await User.findOrCreate({ where: { email: 'new@example.org' } })
    assert.ok(made)
  } catch (error) {
    // It sends a function of a language that DSQL does not have.
    assert.match(error.parent?.hint ?? `no hint: ${error}`, /findCreateFind/)
  }
  const [, created] = await User.findCreateFind({ where: { email: 'newer@example.org' } })
  assert.ok(created)
})

check('truncate: empties the table or says what to call instead', async () => {
  try {
    await sequelize.models.SequelizePost.truncate()
  } catch (error) {
    assert.match(error.parent?.hint ?? `no hint: ${error}`, /delete/i)
    await sequelize.models.SequelizePost.destroy({ where: {} })
  }
  assert.equal(await Post.count(), 0)
})

check('it cleans up', clean)

const passed = await run('sequelize')
await sequelize.close()
process.exit(passed ? 0 : 1)
