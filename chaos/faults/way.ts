import type { Way, WayCondition } from '../world/way.ts'
import { type Lift, type SeveralFault, SHORT } from './fault.ts'

export const WAY_FAULTS: readonly SeveralFault[] = [
  {
    name: 'connection-cut',
    does: 'the connections to PostgreSQL are cut again and again',
    on: 'several',
    to: 'way',
    lastsMs: SHORT,
    async begin({ way }, chance) {
      const cutting = setInterval(way.cut, chance.between(50, 400))
      return async () => clearInterval(cutting)
    },
  },
  {
    name: 'connection-refused',
    does: 'the connections to PostgreSQL are cut, and no new one is taken',
    on: 'several',
    to: 'way',
    lastsMs: SHORT,
    begin: ({ way }) => make(way, 'refusing'),
  },
  {
    name: 'connection-stall',
    does: 'nothing comes through between Sluice and PostgreSQL, and all of it later',
    on: 'several',
    to: 'way',
    lastsMs: SHORT,
    begin: ({ way }) => make(way, 'stalling'),
  },
  {
    name: 'answers-lost',
    does: 'PostgreSQL hears and commits everything, and its answers are lost on the way back',
    on: 'several',
    to: 'way',
    lastsMs: SHORT,
    begin: ({ way }) => make(way, 'losing answers'),
  },
]

async function make(way: Way, condition: WayCondition): Promise<Lift> {
  way.be(condition)
  return async () => way.be('open')
}
