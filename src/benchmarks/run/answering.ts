/** Memories written from question to question, and the questions answered from them as they stand then. */
import { existsSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError, EngineError, isRefusal } from "../../errors.ts";
import type { Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import { openStream } from "../datasets/files/open-stream.ts";
import { questionOf } from "../task.ts";
import type { Answered } from "./answerers.ts";
import { spending } from "./cost.ts";
import { type Scoring, scoreAnswer, unscored } from "./grading.ts";
import { isDown, type Running } from "./options.ts";
import { type PlannedMemory, type PlannedTask, stopsOf, untilOf } from "./plan.ts";
import { type HeldMemory, type Result, retriedFor, withoutModel } from "./results.ts";
import { copyMemory, keptFor, placeOf } from "./resume.ts";
import { sealMemory } from "./sealed.ts";
import { failedClips, isPast, noteUnheard, unheardClips, watchUntil } from "./watching.ts";

/** Asks again what was failed at, each from its memory as it was then. */
export async function answerFromKept(running: Running, items: readonly PlannedTask[]): Promise<void> {
  for (const [place, asked] of Map.groupBy(items, (item) => keptFor(running, item))) {
    const memory = await running.openMemory(place);
    let failures = 0;
    try {
      for (const item of asked) {
        running.signal.throwIfAborted();
        const result = await answerTask(running, item, memory);
        running.write(result);
        if (result.failed === "answerer") failures += 1;
      }
    } finally {
      await memory.close();
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

/** Writes a memory from stop to stop, and answers at each. */
export async function answerFrom(
  running: Running,
  { memory: planned, left, after, start }: Answering,
): Promise<void> {
  const { directory, loaded, source, windowClips, signal } = running;
  const { id, stream } = planned;
  const place = placeOf(running, planned);
  mkdirSync(place, { recursive: true });
  const perceptors = perceptorsOf(running, stream, place);
  const onCost = spending(directory, { row: left[0]!.row.name, on: "watch", memory: id });
  let memory = await running.openMemory(place);
  const copyTo = async (target: string) => {
    if (existsSync(target)) return;
    await memory.close();
    await copyMemory(place, target);
    memory = await running.openMemory(place);
  };
  const waiting = new Set(left);
  try {
    const opened = await openStream(
      loaded.streams.get(stream)!,
      { scratch: join(directory, "scratch", id), cuts: join(directory, "cuts") },
      { ...source, signal },
    );
    try {
      const stops = stopsOf(planned);
      for (const stop of stops) {
        if (waiting.size === 0) break;
        signal.throwIfAborted();
        const plan = { ...planned, untilSeconds: stop };
        await watchUntil(memory, opened.source, plan, { perceptors, windowClips, onCost, signal });
        for (const copy of after) {
          const target = placeOf(running, copy);
          if (copy.parts.at(-1)!.fromSeconds !== stop || existsSync(target)) continue;
          if (await isPast(memory, stream, stop)) continue;
          await copyTo(target);
          start(copy);
        }
        for (const item of left) {
          if (untilOf(item) !== stop) continue;
          signal.throwIfAborted();
          const result = await answerTask(running, item, memory);
          if (retriedFor(result) === "answerer" && stop !== stops.at(-1))
            await copyTo(keptFor(running, item));
          running.write(result);
          waiting.delete(item);
        }
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // Material that cannot be read costs its questions a visible error, not the run.
    for (const item of waiting) running.write(unreadable(item, error.message));
  } finally {
    await memory.close();
  }
}

/** The senses; clips of a stream that the transcriber fails at are noted beside its memory. */
function perceptorsOf({ perceptors, worked, failed }: Running, stream: string, place: string): Perceptors {
  const { transcriber } = perceptors;
  return {
    ...perceptors,
    transcriber: transcriber && {
      ...transcriber,
      transcribe: async (audio, options) => {
        try {
          const heard = await transcriber.transcribe(audio, options);
          worked("transcriber");
          return heard;
        } catch (error) {
          if (isDown(error)) {
            noteUnheard(place, audio.startSeconds);
            failed("transcriber", `${stream} ${audio.startSeconds}`, error);
          }
          throw error;
        }
      },
    },
  };
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

async function answerTask(running: Running, item: PlannedTask, memory: Memory): Promise<Result> {
  const { answerer, votes, words, directory, signal, worked, failed } = running;
  const { task } = item.scheduled;
  const question = questionOf(task);
  const known = task.askTime === "end" ? {} : { asOfSeconds: task.askTime };
  const entries = await memory.entries({ streams: [task.stream], ...known });
  const { missed, lost } = await failedClips(memory, task.stream);
  const held: HeldMemory = {
    id: item.memory.id,
    entries: entries.length,
    tokens: entries.reduce((sum, { text }) => sum + words.countTokens(text), 0),
    missed: missed.length,
    unheard: unheardClips(memory.directory),
    lost: lost.length,
  };
  const sealed = sealMemory(memory, task.stream, task.askTime);
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
    memory: held,
    ...(scored ?? (await scoreAnswer(running, item, samples))),
    raw: samples.flatMap(({ raw }) => raw),
    prompts: samples.flatMap(({ prompts }) => prompts),
    leftOut: Math.max(0, ...samples.map(({ leftOut }) => leftOut)),
    accesses: sealed.accesses.map(({ call, refused: no, returned }) =>
      no ? `refused ${call}` : `${call} ${returned}`,
    ),
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
