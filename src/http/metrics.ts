/** What a server counts and measures, in the text format of Prometheus (0.0.4). */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Recalled, recallChannel } from "../memory/recall-channel.ts";

type Labels = Readonly<Record<string, string>>;

/** Upper bounds of the buckets, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  /** Observations at most as large as each bound. */
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** A value of a moment, with its labels. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly values: readonly { readonly labels: Labels; readonly value: number }[];
}

/** The metrics of one server. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #seconds = new Map<string, Histogram>();
  readonly #recall = new Map<string, Histogram>();
  readonly #learned = new Map<string, number>();
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;
  readonly #onRecall = (message: unknown) => observe(this.#recall, {}, (message as Recalled).ms / 1000);

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: 10 });
    this.#delay.enable();
    subscribe(recallChannel, this.#onRecall);
  }

  /** Counts a request that was answered. @param route its pattern, so that ids make no rows */
  request(method: string, route: string, status: number, seconds: number): void {
    add(this.#requests, { method, route, status: String(status) });
    observe(this.#seconds, { route }, seconds);
  }

  /** Counts a learning that ended. */
  learned(outcome: string): void {
    add(this.#learned, { outcome });
  }

  /** All metrics as text, with those of this moment. The event loop's delay is that since the last call. */
  text(gauges: readonly Gauge[]): string {
    const delay = [
      ...[0.5, 0.99].map((share) => ({
        labels: { quantile: String(share) },
        value: this.#delay.percentile(share * 100) / 1e9,
      })),
      { labels: { quantile: "1" }, value: this.#delay.max / 1e9 },
    ];
    this.#delay.reset();
    return [
      ...counter("taskmem_http_requests_total", "Requests by route and status", this.#requests),
      ...histogram("taskmem_http_request_seconds", "Time to the answer, by route", this.#seconds),
      ...histogram("taskmem_recall_seconds", "Time of a search in a memory", this.#recall),
      ...counter("taskmem_learn_total", "Learning that ended, by outcome", this.#learned),
      ...gauge({
        ...{ name: "taskmem_event_loop_delay_seconds", help: "How long the event loop stood still" },
        values: delay,
      }),
      ...gauges.flatMap(gauge),
      "",
    ].join("\n");
  }

  close(): void {
    this.#delay.disable();
    unsubscribe(recallChannel, this.#onRecall);
  }
}

function add(counts: Map<string, number>, labels: Labels): void {
  const key = labelText(labels);
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function observe(histograms: Map<string, Histogram>, labels: Labels, seconds: number): void {
  const key = labelText(labels);
  const known = histograms.get(key) ?? { buckets: bounds.map(() => 0), sum: 0, count: 0 };
  for (const [i, bound] of bounds.entries()) if (seconds <= bound) known.buckets[i]! += 1;
  known.sum += seconds;
  known.count += 1;
  histograms.set(key, known);
}

const escaped = (value: string) =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const labelText = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
const line = (name: string, labels: string, value: number) =>
  `${name}${labels === "" ? "" : `{${labels}}`} ${value}`;
const heading = (name: string, help: string, type: string) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

function counter(name: string, help: string, counts: ReadonlyMap<string, number>): string[] {
  return [
    ...heading(name, help, "counter"),
    ...[...counts].map(([labels, count]) => line(name, labels, count)),
  ];
}

function gauge({ name, help, values }: Gauge): string[] {
  return [
    ...heading(name, help, "gauge"),
    ...values.map(({ labels, value }) => line(name, labelText(labels), value)),
  ];
}

function histogram(name: string, help: string, histograms: ReadonlyMap<string, Histogram>): string[] {
  const rows = [...histograms].flatMap(([labels, { buckets, sum, count }]) => {
    const within = (bound: string) => [labels, `le="${bound}"`].filter((part) => part !== "").join(",");
    return [
      ...bounds.map((bound, i) => line(`${name}_bucket`, within(String(bound)), buckets[i]!)),
      line(`${name}_bucket`, within("+Inf"), count),
      line(`${name}_sum`, labels, sum),
      line(`${name}_count`, labels, count),
    ];
  });
  return [...heading(name, help, "histogram"), ...rows];
}
