import { X509Certificate } from 'node:crypto'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g
const CERTIFICATES_MAX = 10

/** The certificates of a PEM text in their order, or undefined where it has none, too many, or one that is broken. */
export function readCertificates(pem: string): [X509Certificate, ...X509Certificate[]] | undefined {
  const texts = pem.match(CERTIFICATE) ?? []
  if (texts.length > CERTIFICATES_MAX) return undefined
  try {
    const [leaf, ...others] = texts.map((text) => new X509Certificate(text))
    return leaf && [leaf, ...others]
  } catch {
    return undefined
  }
}

/**
 * Why the first of these certificates is not to be believed at a time, or undefined when a chain leads from it through
 * the others to one of the roots, with every certificate of the chain valid at that time.
 *
 * Signatures, names, key identifiers, the CA flag and dates are checked; revocation, name constraints and the allowed
 * length of the chain are not, so who uses this has to know what name to expect and from where.
 */
export function chainFault(
  [leaf, ...others]: readonly [X509Certificate, ...X509Certificate[]],
  rootPems: readonly string[],
  at: Date,
): string | undefined {
  if (!isValidAt(leaf, at)) return `the certificate is valid from ${leaf.validFrom} to ${leaf.validTo}`
  const roots = rootsOf(rootPems)
  let link = leaf
  let left = others
  for (;;) {
    if (endsIn(link, roots, at)) return undefined
    const issuer = left.find((candidate) => isValidAt(candidate, at) && hasIssued(candidate, link))
    if (!issuer) return 'the chain of the certificate ends in no known root'
    link = issuer
    left = left.filter((candidate) => candidate !== issuer)
  }
}

function endsIn(link: X509Certificate, roots: Roots, at: Date): boolean {
  const isRoot = (roots.get(link.subject) ?? []).some((root) => root.raw.equals(link.raw))
  const issuers = roots.get(link.issuer) ?? []
  return isRoot || issuers.some((root) => isValidAt(root, at) && hasIssued(root, link))
}

function hasIssued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, at: Date): boolean {
  return validFromDate <= at && at <= validToDate
}

/** By their subject. */
type Roots = ReadonlyMap<string, readonly X509Certificate[]>

const known = new WeakMap<readonly string[], Roots>()

/** Read once: a store has some 150 roots. */
function rootsOf(pems: readonly string[]): Roots {
  const found = known.get(pems)
  if (found) return found
  const roots = Map.groupBy(
    pems.map((pem) => new X509Certificate(pem)),
    ({ subject }) => subject,
  )
  known.set(pems, roots)
  return roots
}
