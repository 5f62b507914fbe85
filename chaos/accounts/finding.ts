/**
 * What is not as it has to be. `lost` is an acknowledged number that is not in the ledger or did not arrive where it had
 * to; everything else is `wrong`.
 */
export interface Finding {
  is: 'lost' | 'wrong'
  number: number
  sentence: string
}

export function lost(number: number, what: string): Finding {
  return { is: 'lost', number, sentence: `LOST ${number}: ${what}` }
}

export function wrong(number: number, what: string): Finding {
  return { is: 'wrong', number, sentence: `WRONG ${number}: ${what}` }
}
