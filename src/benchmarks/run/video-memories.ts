/** Memories of videos: each is a store on disk, written by an agent that watches, and taken up again where it was left. */
import { constants, existsSync, mkdirSync } from "node:fs";
import { cp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { folderCache } from "../../engines/cached-model.ts";
import type { Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import { type OpenedStream, openStream } from "../datasets/files/open-stream.ts";
import type { BenchmarkTask } from "../task.ts";
import { cachedPerceptors } from "./cached-senses.ts";
import { spending } from "./cost.ts";
import { isDown, type Memories, type Running, type RunOptions } from "./options.ts";
import type { HeldMemory } from "./results.ts";
import { canGoOn, failedClips, isPast, noteUnheard, unheardClips, watchUntil } from "./watching.ts";

export function videoMemories(options: RunOptions): Memories {
  const { directory, loaded, source, windowClips, openMemory } = options;
  const senses = cachedPerceptors(options.perceptors, folderCache(join(directory, "perceived")));
  return {
    discard: async ({ stream }, place, { until, isUnreadable }) => {
      if (!existsSync(place)) return;
      const memory = await openMemory(place);
      const wanted = { stream, untilSeconds: until, windowClips };
      const isSound = await canGoOn(memory, wanted).finally(() => memory.close());
      if (!isSound || isUnreadable) await rm(place, { recursive: true });
    },
    open: async (planned, place, running) => {
      const { id, stream, tasks } = planned;
      const { signal } = running;
      mkdirSync(place, { recursive: true });
      const perceptors = notingUnheard(senses, stream, place, running);
      const onCost = spending(directory, { row: tasks[0]!.row.name, on: "watch", memory: id });
      let memory = await openMemory(place);
      let opened: OpenedStream | null = null;
      return {
        watchUntil: async (untilSeconds) => {
          opened ??= await openStream(
            loaded.streams.get(stream)!,
            { scratch: join(directory, "scratch", id), cuts: join(directory, "cuts") },
            { ...source, signal },
          );
          const plan = { ...planned, untilSeconds };
          await watchUntil(memory, opened.source, plan, { perceptors, windowClips, onCost, signal });
        },
        at: async (task) => ({ memory, held: await heldOf(memory, task, options) }),
        copyTo: async (target, seconds) => {
          if (existsSync(target) || (await isPast(memory, stream, seconds))) return;
          await memory.close();
          await copyMemory(place, target);
          memory = await openMemory(place);
        },
        close: async () => {
          try {
            await opened?.close();
          } finally {
            await memory.close();
          }
        },
      };
    },
  };
}

async function heldOf(
  memory: Memory,
  { stream, askTime }: BenchmarkTask,
  { words }: RunOptions,
): Promise<Omit<HeldMemory, "id">> {
  const known = askTime === "end" ? {} : { asOfSeconds: askTime };
  const entries = await memory.entries({ streams: [stream], ...known });
  const { missed, lost } = await failedClips(memory, stream);
  return {
    entries: entries.length,
    tokens: entries.reduce((sum, { text }) => sum + words.countTokens(text), 0),
    missed: missed.length,
    unheard: unheardClips(memory.directory),
    lost: lost.length,
  };
}

/** The senses; clips of a stream that the transcriber fails at are noted beside its memory. */
function notingUnheard(
  perceptors: Perceptors,
  stream: string,
  place: string,
  { worked, failed }: Running,
): Perceptors {
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

/** A copy that a kill cuts short has another name. */
async function copyMemory(from: string, to: string): Promise<void> {
  const unfinished = `${to}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await rename(unfinished, to);
}
