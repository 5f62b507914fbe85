/**
 * Each promise makes two more.
 *
 * @expected timed_out, out_of_memory
 */
const storm = () => {
  Promise.resolve().then(storm)
  Promise.resolve().then(storm)
}
storm()
return { jobStatus: 1 }
