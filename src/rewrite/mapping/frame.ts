import type { Json } from '../../payload/exact-json.ts'
import { formatPath, type Path } from '../../payload/path.ts'

/** Where a source path begins. */
export type Origin = 'item' | 'root' | 'parent' | 'request' | 'event' | 'source'

/** The payload or one element of it, with the places that paths may name. */
export interface Frame {
  readonly item: Json
  readonly parent: Json
  readonly root: Json
  readonly request: Json
  readonly event: Json
  readonly source: Json
  /** Where `item`, `parent` and `root` stand in the whole payload, for messages. */
  readonly places: { readonly item: Path; readonly parent: Path; readonly root: Path }
}

/** What is known beside the payload. */
export interface Surroundings {
  readonly request: Json
  readonly event: Json
  /** The sending system: the name of its preset and what it calls the event. */
  readonly source: Json
}

/** The frame of a payload, or of one element of a payload that is a list. */
export function topFrame(item: Json, { request, event, source }: Surroundings, place: Path): Frame {
  return {
    item,
    parent: item,
    root: item,
    request,
    event,
    source,
    places: { item: place, parent: place, root: place },
  }
}

/** The frame of an element that `$each` found. */
export function elementFrame(frame: Frame, item: Json, place: Path): Frame {
  return {
    ...frame,
    item,
    parent: frame.item,
    places: { ...frame.places, item: place, parent: frame.places.item },
  }
}

/** Where a path's origin stands, from the payload's top. */
export function originPlace(frame: Frame, origin: Origin): Path {
  return origin === 'request' || origin === 'event' || origin === 'source'
    ? [{ key: `$${origin}` }]
    : frame.places[origin]
}

/** Steps from an origin, in path notation from the payload's top. */
export function placeText(frame: Frame, origin: Origin, steps: Path): string {
  return formatPath([...originPlace(frame, origin), ...steps])
}
