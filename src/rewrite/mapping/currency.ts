/**
 * Decimals of each currency after ISO 4217, with codes that were withdrawn since 2014 and still stand in old orders.
 * Some payment services count differently (two decimals for ISK, for example); rules can name the exponent.
 */

const WITH_TWO =
  'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE ' +
  'CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD ' +
  'HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP ' +
  'MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR ' +
  'SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED ' +
  'VES WST XCD XCG YER ZAR ZMW ZWG ZWL'
const WITH_NONE = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
const WITH_THREE = 'BHD IQD JOD KWD LYD OMR TND'
const WITH_FOUR = 'CLF UYW'

const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...codes(WITH_TWO, 2),
  ...codes(WITH_NONE, 0),
  ...codes(WITH_THREE, 3),
  ...codes(WITH_FOUR, 4),
])

/** Decimals of a currency by its three-letter code in either case; undefined for a code without minor units. */
export function currencyExponent(code: string): number | undefined {
  return EXPONENTS.get(code.toUpperCase())
}

function codes(list: string, exponent: number): [string, number][] {
  return list.split(' ').map((code) => [code, exponent])
}
