// Checks that report one line each, for the Node.js suites.
//
//     check('what holds', async () => { assert.equal(...) })
//     await run('suite')

const checks = []
// Milliseconds after which a check that waits for an answer has failed.
const deadline = 60_000

export function check(name, body) {
  checks.push({ name, body })
}

/** Runs the checks in the order of their definition; true when all of them hold. */
export async function run(suite) {
  if (checks.length === 0) {
    console.log(`not ok - ${suite}: it has no checks`)
    return false
  }
  let failures = 0
  for (const { name, body } of checks.splice(0)) {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${deadline / 1000} s`)), deadline)
    })
    try {
      await Promise.race([body(), late])
      console.log(`ok - ${suite}: ${name}`)
    } catch (error) {
      failures += 1
      console.log(`not ok - ${suite}: ${name}`)
      const reason = String(error?.stack ?? error)
      // Some tools hide the server's error in theirs.
      const origin = error?.parent ?? error?.driverError ?? error?.cause
      const hint = origin?.hint ? `; hint: ${origin.hint}` : ''
      console.log((origin ? `${origin.code}: ${origin.message}${hint}\n${reason}` : reason).replace(/^/gm, '    '))
    } finally {
      clearTimeout(timer)
    }
  }
  return failures === 0
}

/** The error that `promise` rejects with; throws when it does not. */
export async function failure(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`expected an error, got ${JSON.stringify(value)}`)
}
