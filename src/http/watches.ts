/** Streams that workers watch: routes over the queue, and learning in a worker. */
import { isAbsolute } from "node:path";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { z } from "zod";
import { adapter } from "../contract/adapter.ts";
import type { learnedOf } from "../contract/learning.ts";
import { ConfigError, EngineError } from "../errors.ts";
import { withoutSecrets } from "../stream/live/connection-problem.ts";
import { isLive } from "../stream/live/open-live.ts";
import type { TaskMem } from "../taskmem.ts";
import { readinessOf, type WatchedStream, type WorkQueue } from "../workers/index.ts";
import type { Scope } from "./keys.ts";
import type { Gauge } from "./metrics.ts";
import { closing } from "./operations.ts";
import type { Env } from "./server.ts";

/** What is to be watched. */
export const watchShape = z.strictObject({
  source: z.string().min(1).max(4000).describe("a URL, a device, or an absolute path as the workers see it"),
  follow: z.boolean().optional().describe("whether files are looked at again and again for what was added"),
  subtitles: z.string().max(4000).optional().describe("subtitle file or URL to use instead of those found"),
  textKind: z.enum(["speech", "caption"]).optional().describe("what the lines of a text source are"),
});

/** A stream that workers watch, as clients see it. */
export const watchedShape = z.object({
  stream: z.string().describe("id"),
  source: z.string().describe("without its password"),
  kind: z.enum(["watch", "file"]).describe("file: it ends by itself"),
  state: z.enum(["waiting", "watching", "paused", "ended", "failed"]).describe("waiting: for a worker"),
  since: z.string().describe("wall time, ISO 8601"),
  problem: z.object({ code: z.string(), message: z.string() }).optional().describe("why it failed"),
  worker: z.object({ host: z.string(), pid: z.int() }).optional().describe("who watches it"),
  heardAt: z.string().optional().describe("when its worker said last that it does, wall time, ISO 8601"),
});

/** What lists such streams. */
export const watchesShape = z.object({ watches: z.array(watchedShape) });

/** What is needed to add routes of a space. */
interface Routing {
  readonly at: (path: string) => string;
  readonly scoped: (scope: Scope) => MiddlewareHandler<Env>;
  readonly inSpace: MiddlewareHandler<Env>;
  /** The JSON of a request. */
  readonly bodyOf: (context: Context<Env>) => Promise<unknown>;
}

/** Adds the routes of streams that workers watch. @param queue `null` where the server has none */
export function addWatches(
  app: Hono<Env>,
  queue: WorkQueue | null,
  { at, scoped, inSpace, bodyOf }: Routing,
): void {
  const queued = () => {
    if (queue) return queue;
    throw new ConfigError(
      "queue-missing",
      "This server shares no streams with workers: start it with a queue",
    );
  };
  const idOf = (context: Context<Env>) => context.get("space").id;
  const listed = async (space: string) => ({ watches: (await queued().streams(space)).map(shown) });
  const one = async (space: string, stream: string) =>
    (await listed(space)).watches.find((watch) => watch.stream === stream);
  app.get(at("/watches"), scoped("read"), inSpace, async (context) =>
    context.json(await listed(idOf(context))),
  );
  app.put(at("/streams/{stream}/watch"), scoped("admin"), inSpace, async (context) => {
    const [space, stream] = [idOf(context), context.req.param("stream")!];
    const isNew = await queued().watch({ space, stream, ...watchOf(await bodyOf(context)) });
    return context.json((await one(space, stream))!, isNew ? 201 : 200);
  });
  app.post(at("/streams/{stream}/unwatch"), scoped("admin"), inSpace, async (context) => {
    const space = idOf(context);
    await queued().unwatch(space, context.req.param("stream")!);
    return context.json(await listed(space));
  });
}

/** Reads what is to be watched. @throws ConfigError `input-invalid` */
function watchOf(given: unknown): z.output<typeof watchShape> {
  const parsed = watchShape.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(
      "input-invalid",
      `Expected a source to watch, got ${z.prettifyError(parsed.error)}`,
    );
  const { source } = parsed.data;
  if (!isLive(source) && !isAbsolute(source))
    throw new ConfigError("input-invalid", `Expected a URL, a device or an absolute path, got ${source}`);
  return parsed.data;
}

function shown(watched: WatchedStream): z.output<typeof watchedShape> {
  const { stream, source, kind, state, sinceMs, problem, worker, heardMs } = watched;
  return {
    ...{ stream, source: URL.canParse(source) ? withoutSecrets(source) : source, kind, state },
    ...{ since: new Date(sinceMs).toISOString(), ...(problem && { problem }), ...(worker && { worker }) },
    ...(heardMs !== null && { heardAt: new Date(heardMs).toISOString() }),
  };
}

/** Whether the server can be asked, and whether workers keep up. */
export async function readyOf(queue: WorkQueue | null) {
  if (queue === null) return { status: "ready", reasons: [] };
  try {
    const { state, reasons } = readinessOf(await queue.standing());
    return { status: state, reasons };
  } catch {
    return { status: "degraded", reasons: ["The queue's Postgres cannot be reached."] };
  }
}

/** How the queues stand, for Prometheus. */
export async function queueGauges(queue: WorkQueue | null): Promise<Gauge[]> {
  const queues = (await queue?.standing().catch(() => [])) ?? [];
  const of = (value: (one: (typeof queues)[number]) => number) =>
    queues.map((one) => ({ labels: { queue: one.kind }, value: value(one) }));
  if (queues.length === 0) return [];
  return [
    ...[
      {
        name: "taskmem_queue_waiting",
        help: "Jobs that wait for a worker",
        values: of((one) => one.waiting),
      },
    ],
    ...[{ name: "taskmem_queue_active", help: "Jobs that a worker has", values: of((one) => one.active) }],
    {
      ...{ name: "taskmem_queue_oldest_seconds", help: "How long the oldest waiting job has waited" },
      values: of((one) => one.oldestSeconds ?? 0),
    },
  ];
}

type Learned = ReturnType<typeof learnedOf>;

/** What of learning holds no words of the memory, for what outlives forgetting. */
export const wordless = (learned: unknown) => ({ ...(learned as Learned), words: [] });

/**
 * Learns in a worker. Who stops it stops the worker's; a server that is closed leaves it.
 * @throws EngineError with the worker's reason
 */
export async function learnInWorker(
  queue: WorkQueue,
  space: string,
  memory: Pick<TaskMem, "store">,
  signal: AbortSignal,
): Promise<Learned> {
  const job = await queue.learn(space);
  try {
    const { problem, ...learned } = await queue.learned(job, signal);
    if (problem) throw new EngineError(problem.code, problem.message);
    return { ...(learned as Learned), words: await wordsOf(memory, learned as Learned) };
  } catch (error) {
    if (signal.aborted && signal.reason !== closing) await queue.stopLearning(job);
    throw error;
  }
}

/** What the adapter weighs: the queue tells no words. */
async function wordsOf(memory: Pick<TaskMem, "store">, { adapter: id }: Learned): Promise<string[]> {
  if (id === undefined) return [];
  const { words } = await adapter.run(memory as TaskMem, { adapter: id }, {});
  return words.slice(0, 20).map(({ word }) => word);
}
