/**
 * The value that rules build together. Values taken from the payload are shared, not copied, until a later rule
 * writes inside one; only then is that level copied, so that the payload never changes.
 */
import { getKey, isObject, type Json, type JsonObject, setKey } from '../../payload/exact-json.ts'
import type { Budget } from './budget.ts'
import type { Destination, DestinationStep } from './destination.ts'
import { Failure, shown } from './failure.ts'

type Container = Json[] | JsonObject
type Step = { key: string } | { index: number }
type Kind = 'object' | 'list'

export class Result {
  /** One element, the whole value, so that it can be replaced like any other. */
  readonly #top: Json[] = []
  readonly #own = new Set<Container>([this.#top])
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** What was built; undefined when nothing was. */
  value(): Json | undefined {
    return this.#top[0]
  }

  /** Makes the list that the next paired `[]` stands for at least so long, so that elements keep their places. */
  makeElements(destination: Destination, indices: readonly number[], length: number): Failure | undefined {
    const at = destination.steps.findIndex((step) => isPaired(step, indices.length))
    if (at === -1) return undefined
    const list = this.#open(concrete(destination.steps.slice(0, at), indices).filter(isStep), 'list')
    if (list instanceof Failure) return list
    if (!Array.isArray(list)) return undefined
    const next = destination.steps[at + 1]
    for (let index = list.length; index < length; index += 1) {
      list.push(
        next === undefined ? (destination.wraps ? this.#make('list') : null) : this.#make(kindOf(next)),
      )
    }
    return undefined
  }

  set(destination: Destination, indices: readonly number[], value: Json): Failure | undefined {
    const written = destination.wraps && !Array.isArray(value) ? [value] : value
    return this.#setEvery(concrete(destination.steps, indices), written)
  }

  #setEvery(steps: readonly (Step | 'every')[], value: Json): Failure | undefined {
    const every = steps.indexOf('every')
    if (every === -1) return this.#setAt(steps.filter(isStep), value)
    const before = steps.slice(0, every).filter(isStep)
    const list = this.#peek(before)
    if (list === undefined || list === null) return undefined
    if (!Array.isArray(list))
      return new Failure(`the destination holds ${shown(list)} where a list is filled`)
    const tooMany = this.#budget.spendValues(list.length)
    if (tooMany) return tooMany
    for (const index of list.keys()) {
      const failure = this.#setEvery([...before, { index }, ...steps.slice(every + 1)], value)
      if (failure) return failure
    }
    return undefined
  }

  #setAt(steps: readonly Step[], value: Json): Failure | undefined {
    const last = steps.at(-1)
    if (last === undefined) {
      this.#top[0] = value
      return undefined
    }
    const container = this.#open(steps.slice(0, -1), kindOf(last))
    if (container instanceof Failure) return container
    return this.#put(container, last, value)
  }

  #peek(steps: readonly Step[]): Json | undefined {
    let value: Json | undefined = this.#top[0]
    for (const step of steps) value = value === undefined ? undefined : get(value, step)
    return value
  }

  /** The container at a place, made where there is none and copied where it is the payload's. */
  #open(steps: readonly Step[], kind: Kind): Container | Failure {
    let container: Container = this.#top
    const all: Step[] = [{ index: 0 }, ...steps]
    for (const [position, step] of all.entries()) {
      const next = all[position + 1]
      const opened = this.#openChild(container, step, next === undefined ? kind : kindOf(next))
      if (opened instanceof Failure) return opened
      container = opened
    }
    return container
  }

  #openChild(container: Container, step: Step, kind: Kind): Container | Failure {
    const child = get(container, step)
    if (child !== undefined && child !== null && !isKind(child, kind))
      return new Failure(
        `the destination already holds ${shown(child)} where ${kind === 'list' ? 'a list' : 'an object'} is needed`,
      )
    if (child !== undefined && child !== null && this.#own.has(child)) return child
    const own = child === undefined || child === null ? this.#make(kind) : this.#copy(child)
    return this.#put(container, step, own) ?? own
  }

  #put(container: Container, step: Step, value: Json): Failure | undefined {
    if (!Array.isArray(container)) {
      if ('key' in step) setKey(container, step.key, value)
      return undefined
    }
    if (!('index' in step)) return undefined
    const tooMany = this.#budget.spendValues(Math.max(0, step.index - container.length))
    if (tooMany) return tooMany
    while (container.length < step.index) container.push(null)
    container[step.index] = value
    return undefined
  }

  #make(kind: Kind): Container {
    return this.#keep(kind === 'list' ? [] : {})
  }

  #copy(container: Container): Container {
    return this.#keep(Array.isArray(container) ? [...container] : { ...container })
  }

  #keep(container: Container): Container {
    this.#own.add(container)
    return container
  }
}

function concrete(steps: readonly DestinationStep[], indices: readonly number[]): (Step | 'every')[] {
  return steps.map((step) =>
    step !== 'every' && 'paired' in step ? { index: indices[step.paired] ?? 0 } : step,
  )
}

function isPaired(step: DestinationStep, number: number): boolean {
  return step !== 'every' && 'paired' in step && step.paired === number
}

function isStep(step: Step | 'every'): step is Step {
  return step !== 'every'
}

function kindOf(step: DestinationStep): Kind {
  return step !== 'every' && 'key' in step ? 'object' : 'list'
}

function isKind(value: Json, kind: Kind): value is Container {
  return kind === 'list' ? Array.isArray(value) : isObject(value)
}

function get(value: Json, step: Step): Json | undefined {
  if ('key' in step) return isObject(value) ? getKey(value, step.key) : undefined
  return Array.isArray(value) ? value[step.index] : undefined
}
