// What the generators share: each prints a JSON list of texts, in the order in which the tool
// would send them; judge.py splits them into statements.

export function write(texts) {
  process.stdout.write(JSON.stringify(texts, null, 1) + '\n', () => process.exit(0))
}

/** The scratch server, for the tools that ask a server something. */
export const scratch = {
  host: process.env.SCRATCH_HOST,
  username: process.env.SCRATCH_USER,
}
