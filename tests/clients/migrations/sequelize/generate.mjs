// What Sequelize sends for `sync()` of a model, then for a migration written with its query interface.
import { DataTypes, Sequelize } from 'sequelize'
import { scratch, write } from '../lib.mjs'

const written = []
const sequelize = new Sequelize('sequelize', scratch.username, '', {
  dialect: 'postgres',
  host: scratch.host,
  logging: line => written.push(line.replace(/^Executing \([^)]*\): /, '')),
})

const User = sequelize.define('User', {
  email: { type: DataTypes.STRING(255), allowNull: false, unique: true },
  name: DataTypes.STRING,
  role: { type: DataTypes.ENUM('reader', 'author'), allowNull: false, defaultValue: 'reader' },
  balance: { type: DataTypes.DECIMAL(12, 2), defaultValue: 0 },
  settings: { type: DataTypes.JSONB, defaultValue: {} },
  nicknames: DataTypes.ARRAY(DataTypes.STRING),
  born: DataTypes.DATEONLY,
}, {
  indexes: [
    { fields: ['role', 'balance'] },
    { fields: [{ name: 'name', order: 'DESC' }] },
    { name: 'users_lower_email', fields: [sequelize.fn('lower', sequelize.col('email'))] },
    { name: 'users_authors', fields: ['email'], where: { role: 'author' } },
    { name: 'users_settings', fields: ['settings'], using: 'gin' },
  ],
})
const Post = sequelize.define('Post', {
  id: { type: DataTypes.UUID, primaryKey: true, defaultValue: sequelize.literal('gen_random_uuid()') },
  title: { type: DataTypes.TEXT, allowNull: false },
  views: { type: DataTypes.BIGINT, defaultValue: 0 },
  score: DataTypes.DOUBLE,
  cover: DataTypes.BLOB,
  origin: DataTypes.INET,
  published: { type: DataTypes.BOOLEAN, defaultValue: false },
}, { indexes: [{ unique: true, fields: ['title', 'UserId'] }] })
const Counter = sequelize.define('Counter', {
  id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
  period: DataTypes.RANGE(DataTypes.DATE),
  code: DataTypes.CHAR(4),
  at: DataTypes.TIME,
})
const Tag = sequelize.define('Tag', {
  id: { type: DataTypes.SMALLINT, primaryKey: true, autoIncrement: true },
  label: { type: DataTypes.STRING(40), unique: true },
})
User.hasMany(Post, { onDelete: 'CASCADE' })
Post.belongsTo(User)
Post.belongsToMany(Tag, { through: 'PostTags' })
Tag.belongsToMany(Post, { through: 'PostTags' })
await sequelize.sync()

const query = sequelize.getQueryInterface()
await query.addColumn('Users', 'phone', { type: DataTypes.STRING(20) })
await query.addColumn('Users', 'active', { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: true })
await query.addColumn('Posts', 'editorId', { type: DataTypes.INTEGER, references: { model: 'Users', key: 'id' } })
await query.addColumn('Posts', 'state', { type: DataTypes.ENUM('draft', 'live') })
await query.addColumn('Counters', 'number', { type: DataTypes.INTEGER, unique: true })
await query.changeColumn('Users', 'name', { type: DataTypes.STRING(100), allowNull: false, defaultValue: '' })
await query.changeColumn('Posts', 'title', { type: DataTypes.TEXT, allowNull: true })
await query.renameColumn('Posts', 'score', 'rating')
await query.renameTable('Counters', 'Meters')
await query.addIndex('Users', ['phone'], { unique: true, concurrently: true })
await query.addIndex('Posts', { fields: ['published', { name: 'views', order: 'DESC' }], where: { published: true } })
await query.removeIndex('Users', 'users_authors')
await query.addConstraint('Users', { type: 'check', name: 'balance_positive', fields: ['balance'], where: { balance: { [Sequelize.Op.gte]: 0 } } })
await query.addConstraint('Meters', { type: 'unique', name: 'meters_code', fields: ['code', 'at'] })
await query.addConstraint('Meters', { type: 'foreign key', name: 'meters_number', fields: ['number'], references: { table: 'Users', field: 'id' }, onDelete: 'set null' })
await query.removeConstraint('Users', 'balance_positive')
await query.removeConstraint('Meters', 'meters_code')
await query.removeColumn('Users', 'nicknames')
await query.createTable('Logs', { id: { type: DataTypes.INTEGER, primaryKey: true }, line: DataTypes.STRING })
await query.addConstraint('Logs', { type: 'unique', fields: ['line'] })
await query.bulkDelete('Logs', {}, { truncate: true })
await query.dropTable('Logs')
await sequelize.close()
// What it asks of the catalog is no part of a migration.
write(written.filter(sql => !/^(select|with)\b/i.test(sql)))
