import { XMLParser } from 'fast-xml-parser'
import type { BodyLimits } from './body-limits.ts'
import type { BodyProblem } from './body-problem.ts'
import { getKey, type Json, type JsonObject, setKey } from './exact-json.ts'
import { parsePath } from './path.ts'
import { checkXml, TEXT_MARK } from './xml-check.ts'

/** Which elements are lists however often they occur, as a tree of element names. */
export interface AlwaysList {
  readonly always: boolean
  readonly below: ReadonlyMap<string, AlwaysList>
}

/**
 * Reads the `alwaysList` setting: payload paths such as `webhook.order.items.item`. Indices and `[]` in them are
 * passed over, since a path to a list's elements is the path to the list here.
 *
 * @throws PathError when a path cannot be read: to be asked when the setting is made.
 */
export function readAlwaysList(paths: readonly string[]): AlwaysList {
  const root: ListNode = { always: false, below: new Map() }
  for (const text of paths) {
    let node = root
    for (const step of parsePath(text))
      if (typeof step === 'object' && 'key' in step) node = child(node, step.key)
    node.always = true
  }
  return root
}

/**
 * Reads an XML document into JSON data.
 *
 * The root element is the one key. An element with text only is that text as it stands, never a number; attributes are
 * `@name`, text beside attributes or child elements is `#text`; CDATA is text; comments and processing instructions are
 * gone; an element that occurs once is a value, several times a list in order; prefixes stay as written. Blanks between
 * child elements are dropped unless `xml:space="preserve"` holds or they are spelled as CDATA or references.
 */
export function readXml(
  text: string,
  limits: BodyLimits,
  alwaysList: AlwaysList,
): { readonly ok: true; readonly value: JsonObject } | BodyProblem {
  const checked = checkXml(text, limits)
  if (!checked.ok) return checked
  const value: JsonObject = {}
  for (const node of TREE_BUILDER.parse(checked.root) as XmlNode[]) {
    const name = elementName(node)
    if (name !== undefined) addElement(value, name, node, alwaysList, false)
  }
  return { ok: true, value }
}

interface ListNode extends AlwaysList {
  always: boolean
  readonly below: Map<string, ListNode>
}

function child(node: ListNode, key: string): ListNode {
  const known = node.below.get(key)
  if (known) return known
  const made: ListNode = { always: false, below: new Map() }
  node.below.set(key, made)
  return made
}

/** No XML name begins with it, so no element is called `__proto__`, `toString` or the like inside the builder. */
const NAME_MARK = '~'
const CDATA = '#cdata'
const TEXT = '#text'
const ATTRIBUTES = ':@'

/**
 * Only ever given checked text. Everything it would interpret is off: it renames or refuses elements called as
 * JavaScript's own properties, turns `0012345` into a number, and its entities differ from XML's.
 */
const TREE_BUILDER = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: TEXT,
  cdataPropName: CDATA,
  trimValues: false,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  maxNestedTags: Number.MAX_SAFE_INTEGER,
  jPath: false,
  // Called twice for some tags, so it must not add the mark again.
  transformTagName: (name) => (name.startsWith(NAME_MARK) ? name : `${NAME_MARK}${name}`),
})

/** One key besides `:@`: `~name` with children, `#text` with a string, `#cdata` with one text node. */
interface XmlNode {
  readonly [TEXT]?: string
  readonly [CDATA]?: readonly XmlNode[]
  readonly [ATTRIBUTES]?: Readonly<Record<string, string>>
  readonly [element: `~${string}`]: readonly XmlNode[]
}

function elementName(node: XmlNode): `~${string}` | undefined {
  for (const key in node) if (key.startsWith(NAME_MARK)) return key as `~${string}`
  return undefined
}

function addElement(
  parent: JsonObject,
  markedName: `~${string}`,
  node: XmlNode,
  lists: AlwaysList | undefined,
  keepBlanks: boolean,
): void {
  const name = markedName.slice(NAME_MARK.length)
  const below = lists?.below.get(name)
  const value = elementValue(node[markedName] ?? [], node[ATTRIBUTES], below, keepBlanks)
  const present = getKey(parent, name)
  // An element's value is never a list itself, so a list here is the list of its namesakes.
  if (Array.isArray(present)) present.push(value)
  else if (present !== undefined) setKey(parent, name, [present, value])
  else setKey(parent, name, below?.always ? [value] : value)
}

function elementValue(
  children: readonly XmlNode[],
  attributes: Readonly<Record<string, string>> | undefined,
  lists: AlwaysList | undefined,
  blanksKeptOutside: boolean,
): Json {
  const value: JsonObject = {}
  for (const name in attributes) setKey(value, name, attributeText(attributes[name] ?? ''))
  const space = getKey(value, '@xml:space')
  const keepBlanks = space === 'preserve' || (space !== 'default' && blanksKeptOutside)
  const hasElements = children.some((node) => elementName(node) !== undefined)
  const text = joinText(children, keepBlanks || !hasElements)
  if (!hasElements && attributes === undefined) return text
  if (text !== '') setKey(value, TEXT, text)
  for (const node of children) {
    const name = elementName(node)
    if (name !== undefined) addElement(value, name, node, lists, keepBlanks)
  }
  return value
}

/** The text of one element, without its child elements. A run goes from tag to tag. */
function joinText(children: readonly XmlNode[], keepBlanks: boolean): string {
  let joined = ''
  let run = ''
  let isBlank = true
  for (const node of children) {
    if (elementName(node) !== undefined) {
      if (keepBlanks || !isBlank) joined += run
      run = ''
      isBlank = true
      continue
    }
    const section = node[CDATA]?.[0]?.[TEXT]
    const written = section?.startsWith(TEXT_MARK) ? section.slice(TEXT_MARK.length) : node[TEXT]
    run += written === undefined ? (section ?? '') : decodeReferences(written)
    isBlank &&= written !== undefined && /^[ \t\n]*$/.test(written)
  }
  return keepBlanks || !isBlank ? joined + run : joined
}

/** Blanks written as themselves are spaces in an attribute; those written as references stay. */
function attributeText(written: string): string {
  return decodeReferences(written.replace(/[\t\n]/g, ' '))
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['apos', "'"],
  ['quot', '"'],
])

function decodeReferences(written: string): string {
  if (!written.includes('&')) return written
  return written.replace(
    /&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));/g,
    (whole, hexadecimal?: string, decimal?: string, entity?: string) => {
      if (hexadecimal !== undefined) return String.fromCodePoint(Number.parseInt(hexadecimal, 16))
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
      return ENTITIES.get(entity ?? '') ?? whole
    },
  )
}
