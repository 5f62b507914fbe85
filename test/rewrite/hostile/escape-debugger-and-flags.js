/**
 * V8 natives syntax, debugger statements and intrinsics of test builds.
 *
 * @expected success
 * @data []
 */
debugger
const found = []
for (const text of [
  '%GetHeapUsage()',
  '%DebugPrint(1)',
  'gc()',
  'd8.file',
  'version()',
  'quit()',
  'load("x")',
  'Realm.global(0)',
]) {
  try {
    found.push(typeof eval(text))
  } catch {}
}
return { jobStatus: 1, data: found }
