import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The metrics of one process, for Prometheus. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    requests: new Counter({
      name: 'sluice_requests_total',
      help: 'Requests received, by outcome: accepted, or the reason of the refusal',
      labelNames: ['outcome'],
      registers,
    }),
    ackSeconds: new Histogram({
      name: 'sluice_ack_seconds',
      help: 'From the arrival of a request to its answer',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers,
    }),
    pendingBytes: new Gauge({
      name: 'sluice_pending_bytes',
      help: 'Bodies in memory that are not stored yet',
      registers,
    }),
    queueJobs: new Gauge({
      name: 'sluice_queue_jobs',
      help: 'Jobs in the queue, by state',
      labelNames: ['state'],
      registers,
    }),
    oldestWaitingSeconds: new Gauge({
      name: 'sluice_oldest_waiting_seconds',
      help: 'Age of the oldest work that is due and unfinished',
      labelNames: ['kind'],
      registers,
    }),
    incidentsOpen: new Gauge({
      name: 'sluice_incidents_open',
      help: 'Incidents that are not over, by condition',
      labelNames: ['condition'],
      registers,
    }),
    runs: new Counter({
      name: 'sluice_runs_total',
      help: 'Runs ended, by state',
      labelNames: ['state'],
      registers,
    }),
    sandboxSeconds: new Histogram({
      name: 'sluice_sandbox_seconds',
      help: 'Wall time of rewrite functions',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers,
    }),
    attempts: new Counter({
      name: 'sluice_attempts_total',
      help: 'Attempts, by verdict',
      labelNames: ['verdict'],
      registers,
    }),
    receiptToDeliverySeconds: new Histogram({
      name: 'sluice_receipt_to_delivery_seconds',
      help: 'From the receipt of an event to its delivery',
      buckets: [...SECONDS, 30, 60, 300, 1_800, 3_600, 21_600, 86_400],
      registers,
    }),
  }
}
