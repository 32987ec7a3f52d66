/** `taskmem worker`: streams of spaces shared among processes; which streams, how they stand, and the workers themselves. */
import { once } from "node:events";
import { resolve } from "node:path";
import { loadConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import { isPostgresUrl } from "../../memory/place.ts";
import { openRoot } from "../../memory/root.ts";
import { withoutSecrets } from "../../stream/live/connection-problem.ts";
import { isLive } from "../../stream/live/open-live.ts";
import { oneLine } from "../../util/plain-text.ts";
import {
  type QueueStanding,
  readinessOf,
  type StreamJob,
  type WatchedStream,
  Worker,
  type WorkerEvent,
  type WorkerSession,
  WorkQueue,
} from "../../workers/index.ts";
import type { Invocation } from "../invocation.ts";
import { counted, exitCodes, type Output } from "../output.ts";

interface WorkerFlags {
  readonly root: string;
  readonly queue?: string;
  readonly streams?: number;
  readonly files?: number;
  readonly learning?: number;
  readonly follow?: true;
  readonly subtitles?: string;
  readonly textKind?: "speech" | "caption";
}

type Action = (invocation: Invocation, names: readonly string[]) => Promise<number>;

/** What `taskmem worker` does, by name. */
export const actions = { start, status, add, remove, pause, resume } satisfies Record<string, Action>;

export function run(invocation: Invocation, action: keyof typeof actions, ...names: string[]) {
  return actions[action](invocation, names);
}

async function start(invocation: Invocation): Promise<number> {
  const { flags, configFile, output, signal } = invocation;
  const { memory: _, ...memories } = await loadConfig(flags, { file: configFile });
  const { streams, files, learning } = flagsOf(invocation);
  const worker = await Worker.start({
    ...{ ...placeOf(invocation), memories, onEvent: (event) => print(output, event) },
    ...(streams !== undefined && { streams }),
    ...(files !== undefined && { files }),
    ...(learning !== undefined && { learning }),
  });
  output.object({ event: "worker-start", pid: process.pid });
  output.text("working; Ctrl-C hands the streams over");
  if (!signal.aborted) await once(signal, "abort");
  await worker.drain();
  output.object({ event: "worker-end" });
  return exitCodes.done;
}

async function status(invocation: Invocation): Promise<number> {
  const { output } = invocation;
  return withQueue(invocation, async (queue) => {
    const [streams, standing, workers] = [
      await queue.streams(),
      await queue.standing(),
      await queue.workers(),
    ];
    const { state, reasons } = readinessOf(standing);
    for (const stream of streams) {
      const source = shownSource(stream.source);
      output.object({ event: "stream", ...stream, source });
      output.text(streamLine(stream, source));
    }
    for (const one of standing) output.object({ event: "queue", ...one });
    for (const { session: _, ...one } of workers) {
      const watched = streams.filter(({ worker }) => worker?.pid === one.pid && worker.host === one.host);
      output.object({
        event: "worker",
        ...one,
        watching: watched.map(({ space, stream }) => ({ space, stream })),
      });
      output.text(workerLine(one, watched.length));
    }
    output.object({ event: "status", state, reasons, workers: workers.length });
    output.text(...standing.map(queueLine), `${counted(workers.length, "worker")}, ${state}`, ...reasons);
    return state === "ready" ? exitCodes.done : exitCodes.engine;
  });
}

function add(invocation: Invocation, names: readonly string[]): Promise<number> {
  const [space, stream, source] = names as [string, string, string];
  const { follow, subtitles, textKind } = flagsOf(invocation);
  // A worker may run in another directory.
  const job: StreamJob = {
    space,
    stream,
    source: isLive(source) ? source : resolve(source),
    follow,
    subtitles,
    textKind,
  };
  return changed(invocation, job, async (queue) => {
    await using root = await openRoot(placeOf(invocation).root);
    await root.create(space);
    await queue.watch(job);
  });
}

function remove(invocation: Invocation, names: readonly string[]): Promise<number> {
  return changed(invocation, named(names), (queue, { space, stream }) => queue.unwatch(space, stream));
}

function pause(invocation: Invocation, names: readonly string[]): Promise<number> {
  return changed(invocation, named(names), (queue, { space, stream }) => queue.pause(space, stream));
}

function resume(invocation: Invocation, names: readonly string[]): Promise<number> {
  return changed(invocation, named(names), (queue, { space, stream }) => queue.resume(space, stream));
}

type Named = Pick<StreamJob, "space" | "stream">;

const named = ([space, stream]: readonly string[]): Named => ({ space: space!, stream: stream! });

function changed(
  invocation: Invocation,
  { space, stream }: Named,
  change: (queue: WorkQueue, named: Named) => Promise<unknown>,
): Promise<number> {
  return withQueue(invocation, async (queue) => {
    await change(queue, { space, stream });
    const now = (await queue.streams(space)).find((one) => one.stream === stream);
    const source = now && shownSource(now.source);
    invocation.output.object({ event: "stream", ...(now ?? { space, stream, state: "removed" }), source });
    invocation.output.text(
      now ? streamLine(now, source!) : `${space}/${stream} is watched no more; its memory stays`,
    );
    return exitCodes.done;
  });
}

async function withQueue(
  invocation: Invocation,
  action: (queue: WorkQueue) => Promise<number>,
): Promise<number> {
  const { queue: url, root } = placeOf(invocation);
  const queue = await WorkQueue.open({ url, root, name: "command" });
  try {
    return await action(queue);
  } finally {
    await queue.close();
  }
}

const flagsOf = ({ options }: Invocation) => options as unknown as WorkerFlags;

/** Where the spaces and their queue are. @throws ConfigError `queue-missing` */
function placeOf(invocation: Invocation): { readonly root: string; readonly queue: string } {
  const { root, queue: named = process.env.TASKMEM_QUEUE } = flagsOf(invocation);
  const queue = named || (isPostgresUrl(root) ? root : "");
  if (queue === "")
    throw new ConfigError(
      "queue-missing",
      "Expected the Postgres of the queue, as postgres://user@host/database: set TASKMEM_QUEUE, or give --queue",
    );
  return { root: isPostgresUrl(root) ? root : resolve(root), queue };
}

/** A source without its password. */
const shownSource = (source: string) => (URL.canParse(source) ? withoutSecrets(source) : source);

function streamLine({ space, stream, state, problem, ...now }: WatchedStream, source: string): string {
  const why = problem === null ? "" : `: ${oneLine(problem.message)}`;
  const by = now.worker && ` by ${now.worker.pid} on ${oneLine(now.worker.host)}`;
  const heard = now.heardMs === null ? "" : `, heard from ${secondsSince(now.heardMs)} s ago`;
  return `${space}/${oneLine(stream)}  ${state}${by ?? ""}${heard}${why}  (${oneLine(source)})`;
}

function workerLine(
  { host, pid, streams, isHeard }: Omit<WorkerSession, "session">,
  watched: number,
): string {
  const silent = isHeard ? "" : ", silent";
  return `worker ${pid} on ${oneLine(host)}: ${watched} of at most ${streams} streams${silent}`;
}

const secondsSince = (atMs: number) => Math.max(0, Math.round((Date.now() - atMs) / 1000));

function queueLine({ kind, waiting, active, oldestSeconds }: QueueStanding): string {
  const oldest = oldestSeconds === null ? "" : `, the oldest for ${oldestSeconds} s`;
  return `${kind}: ${active} taken, ${waiting} waiting${oldest}`;
}

/** Prints what happens in a worker. */
function print(output: Output, event: WorkerEvent): void {
  if (event.event === "clip-end") {
    output.object({ ...event, entries: event.entries.map(({ id, text }) => ({ id, text })) });
    for (const { text } of event.entries) output.text(`${event.space}/${event.stream}  ${oneLine(text)}`);
    return;
  }
  output.object(event);
  if (event.event === "queue-trouble") output.note(`queue: ${event.message}`);
  else if (event.event === "job-trouble")
    output.note(`${event.space}/${event.stream}: ${event.message}; it is tried again`);
  else if (event.event === "job-end" || event.event === "job-start") output.text(output.dim(jobLine(event)));
  else if (event.event === "clip-failed")
    output.note(`${event.space}/${event.stream}: not remembered (${event.code}): ${event.message}`);
  else if (event.event === "source-status")
    output.note(`${event.space}/${event.stream}: ${event.state === "up" ? "connected" : event.reason}`);
}

function jobLine(event: Extract<WorkerEvent, { event: "job-start" | "job-end" }>): string {
  const what = event.stream === undefined ? `learning of ${event.space}` : `${event.space}/${event.stream}`;
  if (event.event === "job-start") return `${what}: taken`;
  return `${what}: ${event.how}${event.message === undefined ? "" : `, ${event.message}`}`;
}
