/** A binary heap: the element that goes before all others is found at once, adding and removing take log n steps. */
export class Heap<Element> {
  readonly #elements: Element[] = []
  readonly #before: (a: Element, b: Element) => boolean

  constructor(before: (a: Element, b: Element) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#elements.length
  }

  get first(): Element | undefined {
    return this.#elements[0]
  }

  add(element: Element): void {
    let hole = this.#elements.length
    this.#elements.push(element)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = this.#elements[parent]
      if (above === undefined || !this.#before(element, above)) break
      this.#elements[hole] = above
      hole = parent
    }
    this.#elements[hole] = element
  }

  take(): Element | undefined {
    const first = this.#elements[0]
    const last = this.#elements.pop()
    if (last !== undefined && this.#elements.length > 0) this.#sink(last)
    return first
  }

  #sink(element: Element): void {
    let hole = 0
    for (;;) {
      const left = 2 * hole + 1
      const child = this.#goesFirst(left + 1, left) ? left + 1 : left
      const below = this.#elements[child]
      if (below === undefined || !this.#before(below, element)) break
      this.#elements[hole] = below
      hole = child
    }
    this.#elements[hole] = element
  }

  #goesFirst(index: number, other: number): boolean {
    const [a, b] = [this.#elements[index], this.#elements[other]]
    return a !== undefined && b !== undefined && this.#before(a, b)
  }
}
