import type ivm from 'isolated-vm'
import type { Realm } from '../realm/entry.ts'
import type { Workplace } from './isolates.ts'

type Given = string | number | ivm.Dereference<unknown> | ivm.Reference<unknown>

/**
 * A fresh context with its own realm, for one call and no other: with it go every global, every changed prototype
 * and every hidden carrier such as `RegExp.$1`.
 */
export interface Scene {
  call(name: keyof Realm, values: Given[], timeoutMs: number): Promise<string | undefined>
  /** A handle by which the realm can ask; the thread of the isolate stands still until the promise is settled. */
  handleFor(ask: (question: string) => Promise<string>): ivm.Reference<unknown>
  /** The value of a script run in this context, for handing back in. */
  valueOf(script: ivm.Script): ivm.Dereference<unknown>
  close(): void
}

export function openScene(workplace: Workplace, withExpressions: boolean): Scene {
  const context = workplace.isolate.createContextSync()
  const held: { release(): void }[] = [context]
  if (withExpressions) workplace.expressionLanguage().runSync(context)
  const realm: ivm.Reference<Realm> = workplace.realm.runSync(context, { reference: true })
  held.push(realm)
  return {
    async call(name, values, timeoutMs) {
      const method = realm.getSync(name, { reference: true }) as ivm.Reference<
        (...values: Given[]) => string | undefined
      >
      held.push(method)
      return method.apply(undefined, values, { timeout: timeoutMs }) as Promise<string | undefined>
    },
    handleFor(ask) {
      const handle = new workplace.Reference(ask)
      held.push(handle)
      return handle
    },
    valueOf(script) {
      const value = script.runSync(context, { reference: true })
      held.push(value)
      return value.derefInto()
    },
    // Without this the isolate keeps the context until this process's own collector runs, and fills up.
    close() {
      if (!workplace.isolate.isDisposed) for (const handle of held) handle.release()
    },
  }
}
