import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What gauges read when they are scraped. */
export interface MetricSources {
  height(): number;
  view(): number;
  mempool(): { readonly size: number; readonly bytes: number };
  peers(): readonly { readonly transport: string; readonly role: string }[];
  eventStreams(): number;
}

export interface Metrics {
  readonly consensus: ReturnType<typeof consensusMetrics>;
  readonly p2p: ReturnType<typeof networkMetrics>;
  readonly storage: ReturnType<typeof storageMetrics>;
  readonly http: ReturnType<typeof httpMetrics>;
  /** Connects the gauges; before that they have no value. */
  watch(sources: MetricSources): void;
  /** The text of /metrics and its content type. */
  render(): Promise<{ readonly type: string; readonly text: string }>;
  /** Name, type and help of every metric, in alphabetical order. */
  describe(): Promise<
    readonly { readonly name: string; readonly type: string; readonly help: string }[]
  >;
  stop(): void;
}

/** All metrics of one node, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const eventLoop = processMetrics(registry);
  return {
    consensus: consensusMetrics(registry),
    p2p: networkMetrics(registry),
    storage: storageMetrics(registry),
    http: httpMetrics(registry),
    watch: (sources) => watchedMetrics(registry, sources),
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    describe: async () => {
      const all = await registry.getMetricsAsJSON();
      return all
        .map(({ name, type, help }) => ({ name, type: String(type), help }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    stop: () => eventLoop.disable(),
  };
}

function consensusMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  return {
    commits: counter(
      "guts_consensus_commits_total",
      "Blocks finalized and applied since the node started",
    ),
    transactions: counter(
      "guts_consensus_transactions_total",
      "Transactions in the blocks finalized since the node started",
    ),
    finality: new Histogram({
      name: "guts_consensus_finality_seconds",
      help: "Time from the moment a proposal was seen here to the finalization of its view",
      // Loopback finalizes in about 10 ms, a region in tens, three continents in half a second;
      // beyond a few seconds views time out.
      buckets: [0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    votes: counter("guts_consensus_votes_total", "Votes this node signed", "kind"),
    certificates: counter(
      "guts_consensus_certificates_total",
      "Certificates, put together here from votes or received complete",
      "kind",
      "origin",
    ),
    timeouts: counter("guts_consensus_timeouts_total", "Views this node gave up", "reason"),
    refused: counter("guts_consensus_refused_total", "Messages that were refused", "channel"),
    requests: counter(
      "guts_consensus_requests_total",
      "Requests for certificates and blocks that this node missed",
      "kind",
      "outcome",
    ),
    evidence: counter(
      "guts_consensus_evidence_total",
      "Proven faults of validators recorded since the node started",
      "kind",
    ),
  };
}

function networkMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  // A question travels once around the world and waits for a disk at worst; then it times out.
  const buckets = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10];
  return {
    messages: counter("guts_p2p_messages_total", "Messages", "channel", "direction"),
    bytes: counter("guts_p2p_bytes_total", "Bytes of messages", "channel", "direction"),
    dropped: counter(
      "guts_p2p_dropped_total",
      "Messages given up because the peer was slow or gone",
      "channel",
    ),
    connections: new Gauge({
      name: "guts_p2p_connections",
      help: "Open connections, also those whose hello is awaited",
      registers,
    }),
    dials: counter("guts_p2p_dials_total", "Dials", "transport", "outcome"),
    refused: counter("guts_p2p_refused_total", "Peers refused, here or by them", "code"),
    penalties: counter("guts_p2p_penalties_total", "Offences of peers", "reason"),
    bans: counter("guts_p2p_bans_total", "Peers banned for a while"),
    requests: new Histogram({
      name: "guts_p2p_request_seconds",
      help: "Time of questions to peers",
      labelNames: ["outcome"] as const,
      buckets,
      registers,
    }),
    answers: counter("guts_p2p_answers_total", "Questions of peers", "outcome"),
    roundTrip: new Histogram({
      name: "guts_p2p_round_trip_seconds",
      help: "Round-trip times of pings",
      buckets,
      registers,
    }),
  };
}

function storageMetrics(registry: Registry) {
  return {
    commit: new Histogram({
      name: "guts_storage_commit_seconds",
      help: "Time of one durable commit: votes of a step, or a finalized block with its state",
      labelNames: ["database"] as const,
      // From a fast local disk (0.1 ms) to a cloud volume under pressure; above 0.5 s views suffer.
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
      registers: [registry],
    }),
  };
}

function httpMetrics(registry: Registry) {
  return {
    requests: new Histogram({
      name: "guts_http_request_seconds",
      help: "Time from a request of the public API to the end of its answer",
      labelNames: ["method", "route", "status"] as const,
      // Reads take under a millisecond; a write waits for a block, two seconds by default.
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30],
      registers: [registry],
    }),
  };
}

function watchedMetrics(registry: Registry, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const { height, mempool } = sources;
  gauge("guts_consensus_finalized_height", "Height of the newest finalized block", height);
  gauge("guts_consensus_block_height", "The same as guts_consensus_finalized_height", height);
  gauge("guts_consensus_view", "Current view", sources.view);
  gauge("guts_consensus_mempool_size", "Transactions that wait for a block", () => mempool().size);
  gauge("guts_consensus_mempool_bytes", "Bytes of these transactions", () => mempool().bytes);
  gauge("guts_http_event_streams", "Open streams of /api/events", sources.eventStreams);
  new Gauge({
    name: "guts_p2p_peers",
    help: "Connected peers",
    labelNames: ["transport", "role"] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const transport of ["tcp", "quic"])
        for (const role of ["validator", "full"]) this.set({ transport, role }, 0);
      for (const { transport, role } of sources.peers()) this.inc({ transport, role });
    },
  });
}

/** Quantiles of the event-loop delay since the last scrape, and the process as Prometheus names it. */
function processMetrics(registry: Registry): { disable(): void } {
  const registers = [registry];
  // A coarser resolution than the default of 10 ms wakes an idle process up less often.
  const delay = monitorEventLoopDelay({ resolution: 40 });
  delay.enable();
  const startedAt = Date.now() / 1000 - process.uptime();
  new Gauge({
    name: "guts_event_loop_delay_seconds",
    help: "Delay of the event loop since the last scrape, by quantile",
    labelNames: ["quantile"] as const,
    registers,
    collect() {
      const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - 0.04);
      for (const quantile of [50, 99, 100])
        this.set({ quantile: String(quantile / 100) }, seconds(delay.percentile(quantile)));
      delay.reset();
    },
  });
  const read = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  read("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
  read("nodejs_heap_size_used_bytes", "JavaScript heap in use", () => {
    return process.memoryUsage().heapUsed;
  });
  read("process_start_time_seconds", "Unix time of the start", () => startedAt);
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return delay;
}
