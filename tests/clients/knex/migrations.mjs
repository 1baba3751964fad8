// Two migrations, as `knex migrate:make` would have them in files.
const migrations = {
  '1_tables': {
    async up(knex) {
      await knex.schema.createTable('knex_user', table => {
        table.increments('id')
        table.string('email').notNullable().unique()
        table.string('name').index()
        table.timestamps(true, true)
      })
      await knex.schema.createTable('knex_post', table => {
        table.uuid('id').primary().defaultTo(knex.fn.uuid())
        table.integer('user_id').notNullable().references('id').inTable('knex_user').onDelete('CASCADE')
        table.text('title').notNullable()
        table.jsonb('meta')
      })
      await knex('knex_user').insert([{ email: 'ada@example.org' }, { email: 'grace@example.org' }])
    },
    async down(knex) {
      await knex.schema.dropTable('knex_post')
      await knex.schema.dropTable('knex_user')
    },
  },
  '2_grow': {
    async up(knex) {
      await knex.schema.alterTable('knex_user', table => {
        table.boolean('active').notNullable().defaultTo(true)
        table.string('phone', 30)
      })
      await knex.schema.alterTable('knex_post', table => {
        table.index(['user_id', 'title'])
        table.unique(['title'])
      })
    },
    async down(knex) {
      await knex.schema.alterTable('knex_post', table => {
        table.dropIndex(['user_id', 'title'])
        table.dropUnique(['title'])
      })
      await knex.schema.alterTable('knex_user', table => table.dropColumns('active', 'phone'))
    },
  },
}

export const migrationSource = {
  getMigrations: async () => Object.keys(migrations),
  getMigrationName: name => name,
  getMigration: async name => migrations[name],
}
