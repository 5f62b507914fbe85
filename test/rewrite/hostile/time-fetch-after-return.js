/**
 * Returns, and goes on asking behind its back.
 *
 * @expected success
 * @data "returned"
 * @outside
 */
const later = async () => {
  for (let count = 0; count < 5; count += 1) await 0
  await fetchUrl('https://erp.example/late')
}
later()
return { jobStatus: 1, data: 'returned' }
