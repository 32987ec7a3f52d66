/**
 * Phase Two inside a benchmark: what each version of the protocol learnt from its tasks and the streams they are about.
 *
 * All lessons are learnt before anything is written for the table: a version knows only the questions it was trained on and
 * what its streams show until the last of them was asked, so nothing of a later task reaches it. What a lesson gave is kept in the
 * run's folder, and so is one that was stopped; a resumed run learns neither again.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import { type AdapterTarget, adapterText, parseAdapter } from "../../adapter/adapter-file.ts";
import type { Observation } from "../../perception/observation.ts";
import { type Perceptors, perceive } from "../../perception/perceive.ts";
import type { SourceOptions } from "../../stream/open-source.ts";
import type { Task } from "../../tasks/task.ts";
import type { TrainingResult } from "../../training/phase-two.ts";
import type { AdapterTrainer } from "../../training/train-adapter.ts";
import { shortId } from "../../util/hash.ts";
import { openStream } from "../datasets/files/open-stream.ts";
import { type BenchmarkTask, type LoadedBenchmark, questionOf } from "../task.ts";
import { type PolicyVersion, type ProtocolOptions, schedule } from "./protocol.ts";
import { limited } from "./watching.ts";

/** What a version learnt. */
export interface Lesson {
  /** `null` where there was nothing to learn: it writes as the policy before. */
  readonly adapter: Adapter | null;
  readonly problem: TrainingResult["problem"];
  readonly pairs: number;
}

/** What lessons are learnt with. */
export interface LessonTools {
  /** The run's folder. */
  readonly directory: string;
  readonly loaded: Pick<LoadedBenchmark, "streams">;
  readonly tasks: readonly BenchmarkTask[];
  readonly protocol: ProtocolOptions;
  readonly trainer: Pick<AdapterTrainer, "base" | "fitsBase" | "method" | "train">;
  /** What an adapter that was kept must fit. */
  readonly target: AdapterTarget;
  /** All else that lessons depend on, such as judge and recipe: others are kept apart. */
  readonly settings: unknown;
  readonly perceptors: Perceptors;
  readonly source: Omit<SourceOptions, "id" | "subtitles" | "signal">;
  readonly onLesson?: (version: PolicyVersion, lesson: Lesson) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Two hours of 10 s clips: the last that is shown to a lesson of each stream. */
const mostClips = 720;

/** The lessons of all versions of a run that learn, by the version's name. */
export async function learnLessons(tools: LessonTools): Promise<ReadonlyMap<string, Lesson>> {
  const { tasks, protocol } = tools;
  const versions = new Map(
    schedule(tasks, protocol)
      .filter(({ policy }) => policy.examples.length > 0)
      .map(({ policy }) => [policy.name, policy]),
  );
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const lessons = new Map<string, Lesson>();
  for (const version of versions.values()) {
    const lesson = await learnLesson(
      version,
      version.examples.map((id) => byId.get(id)!),
      tools,
    );
    tools.onLesson?.(version, lesson);
    lessons.set(version.name, lesson);
  }
  return lessons;
}

async function learnLesson(
  { name }: PolicyVersion,
  examples: readonly BenchmarkTask[],
  tools: LessonTools,
): Promise<Lesson> {
  const { directory, trainer, target, settings, signal } = tools;
  const texts = examples.map(({ id, question }) => [id, question]);
  const folder = join(
    directory,
    "lessons",
    shortId("lesson", JSON.stringify([name, texts, trainer.base, trainer.method, settings])),
  );
  const path = join(folder, "lesson.json");
  if (existsSync(path)) return readLesson(path, target);
  mkdirSync(folder, { recursive: true });
  const streams: Observation[][] = [];
  for (const of of Map.groupBy(examples, ({ stream }) => stream).values())
    streams.push(await observedUntil(of, folder, tools));
  const asked = examples.map(taskOf);
  const result = await trainer.train(asked, streams, { run: join(folder, "run"), signal });
  const { problem, pairs } = result;
  const adapter = problem === null ? result.adapter : null;
  const provenance = {
    ...{ method: trainer.method, parents: [], tasks: asked.map(({ id }) => id), createdAtMs: 0 },
    report: { pairs, base: trainer.base },
  };
  const file = adapter && adapterText({ adapter, base: trainer.fitsBase, provenance }, path);
  writeFileSync(`${path}.begun`, `${JSON.stringify({ version: name, problem, pairs, file })}\n`);
  renameSync(`${path}.begun`, path);
  return { adapter, problem, pairs };
}

function readLesson(path: string, target: AdapterTarget): Lesson {
  const { problem, pairs, file } = JSON.parse(readFileSync(path, "utf8")) as Omit<Lesson, "adapter"> & {
    readonly file: string | null;
  };
  return { problem, pairs, adapter: file === null ? null : parseAdapter(file, path, target).adapter };
}

/** What was to be seen of the stream of some tasks until the last of them was asked. */
async function observedUntil(
  tasks: readonly BenchmarkTask[],
  folder: string,
  { directory, loaded, source, perceptors, signal }: LessonTools,
): Promise<Observation[]> {
  const moments = tasks.map(({ askTime }) => (askTime === "end" ? Number.POSITIVE_INFINITY : askTime));
  const last = Math.max(...moments);
  const opened = await openStream(
    loaded.streams.get(tasks[0]!.stream)!,
    { scratch: join(folder, "scratch"), cuts: join(directory, "cuts") },
    { ...source, signal },
  );
  try {
    const { clipSeconds } = opened.source;
    const isOpen = !Number.isFinite(last);
    const spans = isOpen
      ? null
      : [{ startSeconds: Math.max(0, last - mostClips * clipSeconds), endSeconds: last }];
    const shown = limited(opened.source, spans, isOpen ? "end" : last, clipSeconds);
    const observations: Observation[] = [];
    for await (const item of shown.open(signal ? { signal } : {})) {
      if (item.kind !== "clip") continue;
      observations.push(await perceive(item, perceptors, signal ? { signal } : {}));
      if (observations.length > mostClips) observations.shift();
    }
    return observations;
  } finally {
    await opened.close();
  }
}

/** A question as a memory keeps it, of which the answer is not known. */
function taskOf(task: BenchmarkTask): Task {
  const { id, stream, askTime } = task;
  return {
    ...{ id, stream, question: questionOf(task), askedAtMs: 0 },
    asOfSeconds: askTime === "end" ? null : askTime,
    ...{ answer: "", option: null, abstained: false, citations: [], reader: "none", feedback: null },
  };
}
