/** Memories watched from question to question, and the questions answered from them as they stand then. */
import { rm } from "node:fs/promises";
import { DataError, EngineError, isRefusal } from "../../errors.ts";
import { questionOf } from "../task.ts";
import type { Answered } from "./answerers.ts";
import { spending } from "./cost.ts";
import { type Scoring, scoreAnswer, unscored } from "./grading.ts";
import { type AskedMemory, isDown, type Running } from "./options.ts";
import { type PlannedMemory, type PlannedTask, stopsOf, untilOf } from "./plan.ts";
import { type Result, retriedFor, withoutModel } from "./results.ts";
import { keptFor, placeOf } from "./resume.ts";
import { sealMemory } from "./sealed.ts";

/** Asks again what was failed at, each from its memory as it was then. */
export async function answerFromKept(running: Running, items: readonly PlannedTask[]): Promise<void> {
  for (const [place, asked] of Map.groupBy(items, (item) => keptFor(running, item))) {
    const watched = await running.memories.open(asked[0]!.memory, place, running);
    let failures = 0;
    try {
      for (const item of asked) {
        running.signal.throwIfAborted();
        const result = await answerTask(running, item, await watched.at(item.scheduled.task));
        running.write(result);
        if (result.failed === "answerer") failures += 1;
      }
    } finally {
      await watched.close();
    }
    if (failures === 0) await rm(place, { recursive: true });
  }
}

export interface Answering {
  readonly memory: PlannedMemory;
  /** Its tasks without a result. */
  readonly left: readonly PlannedTask[];
  /** Memories that begin as copies of it. */
  readonly after: readonly PlannedMemory[];
  start(memory: PlannedMemory): void;
}

/** Watches a memory from stop to stop, and answers at each. */
export async function answerFrom(
  running: Running,
  { memory: planned, left, after, start }: Answering,
): Promise<void> {
  const { signal } = running;
  const watched = await running.memories.open(planned, placeOf(running, planned), running);
  const waiting = new Set(left);
  try {
    const stops = stopsOf(planned);
    for (const stop of stops) {
      if (waiting.size === 0) break;
      signal.throwIfAborted();
      await watched.watchUntil(stop);
      for (const copy of after) {
        if (copy.parts.at(-1)!.fromSeconds !== stop) continue;
        await watched.copyTo?.(placeOf(running, copy), stop);
        start(copy);
      }
      for (const item of left) {
        if (untilOf(item) !== stop) continue;
        signal.throwIfAborted();
        const result = await answerTask(running, item, await watched.at(item.scheduled.task));
        if (retriedFor(result) === "answerer" && stop !== stops.at(-1))
          await watched.copyTo?.(keptFor(running, item), stop);
        running.write(result);
        waiting.delete(item);
      }
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // Material that cannot be read costs its questions a visible error, not the run.
    for (const item of waiting) running.write(unreadable(item, error.message));
  } finally {
    await watched.close();
  }
}

function unreadable(item: PlannedTask, problem: string): Result {
  return {
    ...factsOf(item),
    ...{ memory: null, outcome: "error", answer: null, problem },
    ...withoutModel,
  };
}

function factsOf({ row, scheduled, memory }: PlannedTask) {
  const { task, place, policy } = scheduled;
  return {
    row: row.name,
    task: task.id,
    stream: task.stream,
    askTime: task.askTime,
    types: [task.type, ...(task.otherTypes ?? [])],
    ...(task.group !== undefined && { group: task.group }),
    place,
    policy: policy.name,
    revisions: memory.parts.map((part) => part.policy.revision),
  };
}

async function answerTask(running: Running, item: PlannedTask, asked: AskedMemory): Promise<Result> {
  const { answerer, votes, directory, signal, worked, failed } = running;
  const { task } = item.scheduled;
  const question = questionOf(task);
  const sealed = sealMemory(asked.memory, task.stream, task.askTime);
  const onCost = spending(directory, { row: item.row.name, on: "answer", task: task.id });
  const samples: Answered[] = [];
  let scored: Scoring | null = null;
  for (let sample = 0; sample < (question.options.length > 0 ? votes : 1) && scored === null; sample++) {
    try {
      samples.push(
        await answerer.answer(question, sealed.memory, { askTime: task.askTime, sample, onCost, signal }),
      );
      worked("answerer");
    } catch (error) {
      scored = unscored(ownProblem(error));
      if (isDown(error)) {
        scored = { ...scored, failed: "answerer" };
        failed("answerer", task.id, error);
      }
    }
  }
  const refused = sealed.accesses.find((access) => access.refused);
  if (refused) scored = unscored(`the answerer reached for \`${refused.call}\``);
  return {
    ...factsOf(item),
    memory: { id: item.memory.id, ...asked.held },
    ...(scored ?? (await scoreAnswer(running, item, samples))),
    raw: samples.flatMap(({ raw }) => raw),
    prompts: samples.flatMap(({ prompts }) => prompts),
    leftOut: Math.max(0, ...samples.map(({ leftOut }) => leftOut)),
    accesses: sealed.accesses.map(({ call, refused: no, returned }) =>
      no ? `refused ${call}` : `${call} ${returned}`,
    ),
    ...(asked.measure && { measures: asked.measure(samples[0]?.recalled ?? []) }),
  };
}

/** A failure of this one question. @throws what concerns the whole run */
function ownProblem(error: unknown): string {
  const concernsQuestion =
    isDown(error) ||
    (error instanceof EngineError && isRefusal(error)) ||
    (error instanceof Error && "code" in error && error.code === "sealed");
  if (!concernsQuestion) throw error;
  return (error as Error).message;
}
