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
    apiRefusals: new Counter({
      name: 'sluice_api_refusals_total',
      help: 'Requests to the API without a right key, by reason',
      labelNames: ['reason'],
      registers,
    }),
    connections: new Gauge({
      name: 'sluice_connections',
      help: 'Connections that are open',
      registers,
    }),
    connectionsDropped: new Counter({
      name: 'sluice_connections_dropped_total',
      help: 'Connections that were cut off because there were too many',
      registers,
    }),
    pendingBytes: new Gauge({
      name: 'sluice_pending_bytes',
      help: 'Bodies in memory that are not stored yet',
      registers,
    }),
    journalRecords: new Gauge({
      name: 'sluice_journal_records',
      help: 'Acknowledged requests in the journal that are not in the ledger yet',
      registers,
    }),
    journalBytes: new Gauge({
      name: 'sluice_journal_bytes',
      help: 'What they are together',
      registers,
    }),
    journalOldestSeconds: new Gauge({
      name: 'sluice_journal_oldest_seconds',
      help: 'Age of the oldest of them',
      registers,
    }),
    journalSetAside: new Gauge({
      name: 'sluice_journal_set_aside',
      help: 'Acknowledged requests that the ledger does not take, kept beside the journal',
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
    retentionDrops: new Counter({
      name: 'sluice_retention_drops_total',
      help: 'Days that were dropped because they were kept long enough, by table',
      labelNames: ['table'],
      registers,
    }),
    retentionUnfinishedEvents: new Gauge({
      name: 'sluice_retention_unfinished_events',
      help: 'Events that are older than they are kept and stay, because something is still to be done about them',
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
