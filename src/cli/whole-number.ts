import { InvalidArgumentError } from 'commander'

/** Reads an option that is a whole number within limits. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^[0-9]+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`A whole number from ${min} to ${max}.`)
    return value
  }
}
