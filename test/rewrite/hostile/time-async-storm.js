/**
 * Each async function calls two more.
 *
 * @expected timed_out, out_of_memory
 */
const storm = async () => {
  storm()
  storm()
  await 0
}
storm()
return { jobStatus: 1 }
