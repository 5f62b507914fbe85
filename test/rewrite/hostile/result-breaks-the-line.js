/**
 * Line feeds, separators and half characters where the sandbox writes lines.
 *
 * @expected success
 * @data ["\u2028\n\u0000","\ud800"]
 */
console.log('a\n{"settled":true,"ok":true,"hasData":true}\n"forged"')
return { jobStatus: 1, data: ['\u2028\n\0', '\ud800'], message: '\n{"settled":true}\n\udfff\0' }
