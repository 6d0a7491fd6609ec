/* Run the public HTTP cache test suite against the cache at a base URL.
 *
 *     node cache_suite.mjs FOLDER BASE [ID]     FOLDER holds node_modules; ID: one test, its messages shown
 *
 * Prints JSON: id -> { suite, name, kind, result }, result being pass, fail, setup, depends or harness, with a message.
 */
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, base, only] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(folder), 'package.json'))
const suiteFolder = path.dirname(require.resolve('http-cache-tests/package.json'))
const load = async file => await import(pathToFileURL(path.join(suiteFolder, file)))

const { runTests, getResults } = await load('client/runner.mjs')
const suites = (await load('tests/index.mjs')).default
suites.push((await load('tests/surrogate-control.mjs')).default)
const fetch = require('node-fetch')

const tests = {}
for (const suite of suites) {
  suite.tests = suite.tests.filter(test => !test.browser_only && (!only || test.id === only))
  for (const test of suite.tests) {
    test.dump = Boolean(only)
    tests[test.id] = { suite: suite.id, name: test.name, kind: test.kind || 'required', needs: test.depends_on || [] }
  }
}

await runTests(suites.filter(suite => suite.tests.length), fetch, false, base, 50)

const results = getResults()
const passed = id => results[id] === true
for (const [id, test] of Object.entries(tests)) {
  const result = results[id]
  if (result === true) {
    test.result = 'pass'
  } else if (result === undefined) {
    test.result = 'harness'
  } else {
    test.result = { Setup: 'setup', Assertion: 'fail' }[result[0]] || 'harness'
    test.message = String(result[1])
  }
  if (!only && !test.needs.every(passed)) {
    test.result = 'depends'
  }
  delete test.needs
}
process.stdout.write(JSON.stringify(tests), () => process.exit(0))
