/**
 * What a model trained on the overlay is shown of a film: its faces found by the pulled nets, the frames of each clip's window
 * painted as `--preset taskmem-checkpoint` paints them, and what painting costs. Look at the pictures.
 *
 * `node perf/overlay.ts FILM [FOLDER]` writes every second frame of the last window to FOLDER.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { parseConfig } from "../src/config.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import type { Observation } from "../src/perception/observation.ts";
import { perceive } from "../src/perception/perceive.ts";
import { buildContext } from "../src/policy/context.ts";
import { paintWindow } from "../src/policy/paint.ts";
import { freshState } from "../src/policy/state.ts";
import { openConfiguredSource } from "../src/taskmem/assembly.ts";
import { lacksForPeople, pulledFaceFinder } from "../src/taskmem/people.ts";
import { printTable } from "./markdown.ts";

const [film, folder] = argv.slice(2);
if (film === undefined) throw new TypeError("Expected `node perf/overlay.ts FILM [FOLDER]`, got no film");
const faces = pulledFaceFinder();
if (!faces) throw new Error(`Faces cannot be found here. First: ${lacksForPeople()}`);

const preset = "taskmem-checkpoint" as const;
const config = parseConfig({ model: { baseUrl: "http://localhost:1/v1", model: "taskmem", preset } });
const source = await openConfiguredSource(config, film);
const senses = { transcriber: null, language: null, screenReader: null, faces };
await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now });
await memory.addStream({ ...source, id: "film", clock: { kind: "media" }, fingerprint: null });

const seen: Observation[] = [];
const row = printTable("clip", "frames of its window", "painted", "cpu ms", "tags");
for await (const clip of source.open()) {
  if (clip.kind !== "clip") continue;
  const observed = await perceive({ ...clip, stream: "film" }, senses);
  seen.push(await memory.addObservation(observed));
  const context = buildContext(seen.slice(-1), {
    observations: seen.slice(0, -1),
    entries: [],
    state: freshState(),
  });
  const frames = [...context.recent.observations, ...context.observations].flatMap(({ frames }) => frames);
  const began = process.cpuUsage();
  const painted = await paintWindow(context, {});
  const { user, system } = process.cpuUsage(began);
  const shown = frames.map((frame) => painted.frame(frame));
  const changed = shown.filter((frame, i) => frame !== frames[i]).length;
  const tags = (context.tags ?? []).map(({ tag, id }) => `${tag} ${id}`).join(", ");
  row(clip.index, frames.length, changed, Math.round((user + system) / 1000), tags);
  if (folder === undefined) continue;
  mkdirSync(folder, { recursive: true });
  for (const [i, { jpeg }] of shown.entries())
    if (i % 2 === 0) writeFileSync(join(folder, `${String(i).padStart(3, "0")}.jpg`), jpeg);
}
