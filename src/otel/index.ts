/**
 * OpenTelemetry of a memory: spans of its operations, as the semantic conventions for generative AI name them, and metrics. It
 * uses the API alone: nothing is recorded unless the program registers a provider, and no exporter comes with it.
 */
import type { Attributes, Meter } from "@opentelemetry/api";
import { isTaskMemError } from "../errors.ts";
import type { TaskMem } from "../taskmem.ts";
import { optionalPackage } from "../util/optional.ts";
import { type Facts, type Listener, listen, type ToldCount } from "../util/telemetry.ts";
import { attributesOf, conventions, counters, observed, spanOf } from "./conventions.ts";

export { conventions } from "./conventions.ts";

/** How operations are told. */
export interface InstrumentOptions {
  /**
   * Whether questions and memories themselves are told, not only their ids and numbers.
   * @default the environment variable OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, which is off
   */
  readonly captureContent?: boolean;
}

const scope = "taskmem";

/**
 * Tells of every memory of this process from now on. Call it once, beside the program's own set-up of OpenTelemetry.
 * @returns a function that ends it
 * @throws ConfigError `package-missing` without @opentelemetry/api
 */
export async function instrument(options: InstrumentOptions = {}): Promise<() => void> {
  const { metrics, SpanKind, SpanStatusCode, trace } = await loadedApi();
  const captured = process.env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT ?? "";
  const { captureContent = /^(?:true|1|span_only|span_and_event)$/i.test(captured) } = options;
  const tracer = trace.getTracer(scope);
  const meter = metrics.getMeter(scope);
  const count = countersOf(meter);
  const duration = meter.createHistogram(conventions.metrics.duration, {
    ...{ unit: "s", description: "Time of an operation" },
  });
  const tokens = meter.createHistogram(conventions.metrics.tokens, {
    ...{ unit: "{token}", description: "Tokens of a call of a model" },
  });
  const listener: Listener = {
    run(operation, facts, work) {
      const { name, kind, attributes } = spanOf(operation, facts, captureContent);
      const began = performance.now();
      return tracer.startActiveSpan(name, { kind: SpanKind[kind], attributes }, async (span) => {
        let ended: Facts = facts;
        let failure: Attributes = {};
        try {
          return await work((more) => {
            ended = { ...ended, ...more };
          });
        } catch (error) {
          failure = { [conventions.errorType]: typeOf(error) };
          span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
          throw error;
        } finally {
          span.setAttributes({ ...attributesOf(operation, ended, captureContent), ...failure });
          span.end();
          const seconds = (performance.now() - began) / 1000;
          duration.record(seconds, { ...measured(operation, ended), ...failure });
          for (const [type, amount] of usageOf(ended)) {
            tokens.record(amount, { ...measured(operation, ended), [conventions.tokenType]: type });
          }
        }
      });
    },
    count: (what, amount, facts) => count[what].add(amount, withoutMissing(facts)),
  };
  const before = listen(listener);
  return () => void listen(before);
}

/**
 * Observes one memory: how far its streams lag, and how large it is.
 * @param space how it is called, where there are several
 * @returns a function that ends it; call it before the memory is closed
 * @throws ConfigError `package-missing` without @opentelemetry/api
 */
export async function observe(memory: TaskMem, space = "default"): Promise<() => void> {
  const { metrics } = await loadedApi();
  const meter = metrics.getMeter(scope);
  const gauges = Object.entries(observed).map(([name, { unit, description, read }]) => {
    const gauge = meter.createObservableGauge(name, { unit, description });
    const callback: Parameters<typeof gauge.addCallback>[0] = async (result) => {
      for (const { value, attributes } of await read(memory, Date.now()))
        result.observe(value, { ...attributes, [conventions.store]: space });
    };
    gauge.addCallback(callback);
    return () => gauge.removeCallback(callback);
  });
  return () => {
    for (const end of gauges) end();
  };
}

const loadedApi = () => optionalPackage("@opentelemetry/api", "to tell of what a memory does");

const countersOf = (meter: Meter) =>
  Object.fromEntries(
    Object.entries(counters).map(([what, { name, unit, description }]) => [
      what,
      meter.createCounter(name, { unit, description }),
    ]),
  ) as Record<ToldCount, ReturnType<Meter["createCounter"]>>;

/** Labels of a metric: few values, so no ids. */
function measured(operation: Parameters<typeof spanOf>[0], { model }: Facts): Attributes {
  const { name } = spanOf(operation, {}, false);
  return { [conventions.operation]: name, ...(model !== undefined && { [conventions.model]: model }) };
}

const usageOf = ({ inputTokens, outputTokens }: Facts): [string, number][] =>
  (
    [
      ["input", inputTokens],
      ["output", outputTokens],
    ] as const
  ).flatMap(([type, amount]) => (typeof amount === "number" ? [[type, amount] as [string, number]] : []));

const withoutMissing = (facts: Facts): Attributes =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Attributes;

/** Our code, or the name of another error. */
const typeOf = (error: unknown) =>
  isTaskMemError(error) ? error.code : ((error as Error | undefined)?.name ?? "unknown");
