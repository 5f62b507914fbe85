/**
 * Gives another status each time it is asked, and is asked once.
 *
 * @expected said_no
 */
let asked = 0
return {
  get jobStatus() {
    asked += 1
    return asked === 1 ? 0 : 1
  },
  data: 1,
}
