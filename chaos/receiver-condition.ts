/** `failing` answers 503, `silent` never answers, `resetting` cuts the connection. */
export const ILLNESSES = ['failing', 'silent', 'resetting'] as const
export type Condition = 'well' | (typeof ILLNESSES)[number]
