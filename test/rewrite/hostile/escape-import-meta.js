/**
 * import.meta would tell where the sandbox lies; a body is no module.
 *
 * @expected syntax
 */
return { jobStatus: 1, data: import.meta.url }
