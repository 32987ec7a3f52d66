/**
 * How well the senses work, and what they cost: prints Markdown. `node perf/senses.ts [FOLDER]` needs ffmpeg and the models
 * of `taskmem models pull text`, `faces`, `voice`, `speakers` and `speech`; what is not there is said. FOLDER holds the
 * recordings that `perf/senses/` names. `--only reading,identity,hearing` takes some, `--orders N` says in how many orders
 * films are watched, `--long FILM` watches one film with all senses on, and `--live FILM` one that is sent as by a camera,
 * for `--minutes N`.
 *
 * Everything is perceived by what `watch` perceives with. Processor time is that of the whole process.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pulledFaceFinder } from "../src/taskmem/people.ts";
import { pulledTextReader } from "../src/taskmem/picture-text.ts";
import { scoreHearing } from "./senses/hearing.ts";
import { scoreIdentity } from "./senses/identity.ts";
import { watchLive } from "./senses/live-run.ts";
import { watchLong } from "./senses/long-run.ts";
import { scoreReading } from "./senses/reading.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "reading,identity,hearing" },
    orders: { type: "string", default: "100" },
    long: { type: "string" },
    live: { type: "string" },
    minutes: { type: "string", default: "5" },
  },
});
const videos = resolve(positionals[0] ?? join(import.meta.dirname, "../../shared/data/videos"));
const isAsked = (name: string) =>
  values.long === undefined && values.live === undefined && values.only.split(",").includes(name);

if (values.long !== undefined) await watchLong(values.long);
else if (values.live !== undefined) await watchLive(values.live, Number(values.minutes));
else if (!existsSync(videos))
  throw new Error(`Expected a folder with recordings, got ${videos}: node perf/senses.ts FOLDER`);
if (isAsked("reading")) {
  const reader = pulledTextReader([]);
  if (reader) await scoreReading(videos, reader);
  else console.log("Print: `taskmem models pull text`.\n");
  await reader?.close?.();
}
if (isAsked("identity")) {
  const finder = pulledFaceFinder();
  if (finder) await scoreIdentity(videos, finder, Number(values.orders));
  else console.log("People: `taskmem models pull faces`.\n");
  await finder?.close?.();
}
if (isAsked("hearing")) await scoreHearing(videos);
console.log(`Memory at its peak: ${Math.round(process.resourceUsage().maxRSS / 1000)} MB.`);
