// What `drizzle-kit generate` writes: for the first model, then for the way to the second.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { write } from '../lib.mjs'

const here = import.meta.dirname
const kit = path.join(path.dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')
const out = path.join(here, 'out')
fs.rmSync(out, { recursive: true, force: true })
for (const name of ['first', 'second']) {
  const done = spawnSync(process.execPath, [
    kit, 'generate', '--dialect=postgresql', `--schema=./${name}.ts`, '--out=./out', `--name=${name}`,
  ], { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (done.status !== 0 || !fs.existsSync(path.join(out, name === 'first' ? '0000_first.sql' : '0001_second.sql'))) {
    process.stderr.write(`drizzle-kit generate ${name}: exit status ${done.status}\n${done.stdout}${done.stderr}`)
    process.exit(1)
  }
}
write(['0000_first.sql', '0001_second.sql'].flatMap(file =>
  fs.readFileSync(path.join(out, file), 'utf8').split('--> statement-breakpoint')))
