// The entities, and the migrations that `typeorm migration:generate` writes for them.
import { EntitySchema } from 'typeorm'

const user = {
  name: 'TypeormUser',
  columns: {
    id: { type: 'int', primary: true, generated: 'increment' },
    email: { type: 'varchar', length: 255, unique: true },
    name: { type: 'varchar', nullable: true },
    createdAt: { type: 'timestamp with time zone', createDate: true },
  },
  relations: { posts: { type: 'one-to-many', target: 'TypeormPost', inverseSide: 'author' } },
  indices: [{ columns: ['name'] }],
}
const post = {
  name: 'TypeormPost',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    title: { type: 'text' },
    views: { type: 'bigint', default: 0 },
  },
  relations: {
    author: { type: 'many-to-one', target: 'TypeormUser', inverseSide: 'posts', onDelete: 'CASCADE', nullable: false },
    tags: { type: 'many-to-many', target: 'TypeormTag', joinTable: true },
  },
}
const tag = {
  name: 'TypeormTag',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'identity', generatedIdentity: 'BY DEFAULT' },
    label: { type: 'varchar', length: 40, unique: true },
  },
}
const grown = {
  ...user,
  columns: {
    ...user.columns,
    active: { type: 'boolean', default: true },
    phone: { type: 'varchar', length: 30, nullable: true, unique: true },
  },
}

const schemas = list => list.map(options => new EntitySchema(options))
export const first = schemas([user, post, tag])
export const second = schemas([grown, post, tag])

export class First1700000000001 {
  async up(runner) {
    await runner.query('CREATE TABLE "typeorm_city" ("id" SERIAL NOT NULL, "name" character varying NOT NULL, CONSTRAINT "UQ_typeorm_city_name" UNIQUE ("name"), CONSTRAINT "PK_typeorm_city" PRIMARY KEY ("id"))')
    await runner.query('CREATE INDEX "IDX_typeorm_city_name" ON "typeorm_city" ("name") ')
    await runner.query('CREATE TABLE "typeorm_street" ("id" BIGSERIAL NOT NULL, "cityId" integer NOT NULL, CONSTRAINT "PK_typeorm_street" PRIMARY KEY ("id"))')
    await runner.query('ALTER TABLE "typeorm_street" ADD CONSTRAINT "FK_typeorm_street_city" FOREIGN KEY ("cityId") REFERENCES "typeorm_city"("id") ON DELETE CASCADE ON UPDATE NO ACTION')
    await runner.query(`INSERT INTO "typeorm_city" ("name") VALUES ('Paris'), ('Oslo')`)
  }

  async down(runner) {
    await runner.query('ALTER TABLE "typeorm_street" DROP CONSTRAINT "FK_typeorm_street_city"')
    await runner.query('DROP TABLE "typeorm_street"')
    await runner.query('DROP INDEX "IDX_typeorm_city_name"')
    await runner.query('DROP TABLE "typeorm_city"')
  }
}

export class Second1700000000002 {
  async up(runner) {
    await runner.query('ALTER TABLE "typeorm_city" ADD "size" integer NOT NULL DEFAULT \'0\'')
    await runner.query('ALTER TABLE "typeorm_street" ADD "name" character varying')
    await runner.query('ALTER TABLE "typeorm_street" ADD CONSTRAINT "UQ_typeorm_street_name" UNIQUE ("name")')
  }

  async down(runner) {
    await runner.query('ALTER TABLE "typeorm_street" DROP CONSTRAINT "UQ_typeorm_street_name"')
    await runner.query('ALTER TABLE "typeorm_street" DROP COLUMN "name"')
    await runner.query('ALTER TABLE "typeorm_city" DROP COLUMN "size"')
  }
}
