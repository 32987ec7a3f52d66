import { z } from "zod";
import { StoreError } from "../errors.ts";
import { floorNamed } from "../memory/floor.ts";
import { oneLine } from "../util/plain-text.ts";
import { Clocks, listed, moment, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

/** What one memory rests on. */
export const evidence = verb({
  name: "evidence",
  title: "Evidence of a memory",
  about: "Shows what a memory rests on: the words it was made of, the frames that show it, and who wrote it.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    entry: z.string().describe("id of the entry"),
    frames: z.int().min(0).max(4).default(0).describe("pictures to show with it, where the surface can"),
  }),
  output: z.object({
    entry: listed.extend({
      kind: z
        .enum([...listed.shape.kind.options, "floor"])
        .describe(
          "episodic: what happened; semantic: what is known; floor: what a cheap look tells, which no policy wrote",
        ),
    }),
    sources: z.array(
      moment.omit({ stream: true }).extend({
        kind: z.enum(["speech", "caption", "screen", "sound", "person"]),
        text: z.string(),
        speaker: z.string().optional(),
      }),
    ),
    frames: z.array(z.object({ hash: z.string(), atSeconds: z.number(), at: z.string() })),
    shown: z.array(z.string()).describe("hashes of the frames to show"),
    policy: z.string().optional().describe("left out where no policy wrote it"),
    revision: z.string().optional().describe("of the policy and the adapter that wrote it"),
    writtenAt: z.string().optional().describe("wall time, ISO 8601"),
    closed: z
      .object({ at: z.string(), reason: z.string(), supersededBy: z.string().optional() })
      .optional()
      .describe("since when and why it is no longer current"),
  }),
  async run(memory, { entry: id, frames: most }) {
    const clocks = await Clocks.of(memory);
    const entry = await memory.store.entry(id);
    if (!entry) {
      const row = await floorNamed(id, memory.store);
      if (!row) throw new StoreError("entry-unknown", `Expected the id of an entry, got ${id}`);
      const shown = { ...clocks.moment(row), entry: id, kind: row.kind, text: row.text, speakers: [] };
      return { entry: shown, sources: [], frames: [], shown: [] };
    }
    const { frames, sources } = entry.evidence;
    const { closed } = entry;
    return {
      entry: clocks.entry(entry),
      sources: sources.map(({ kind, text, speaker, ...span }) => ({
        ...{ kind, text, speaker: speaker ?? undefined },
        ...clocks.moment({ ...span, stream: entry.stream }),
      })),
      frames: frames.map(({ hash, atSeconds }) => ({
        hash,
        atSeconds,
        at: clocks.at(entry.stream, atSeconds),
      })),
      shown: frames.slice(0, most).map(({ hash }) => hash),
      ...{ policy: entry.policy, revision: entry.revision, writtenAt: iso(entry.writtenAtMs) },
      ...(closed && {
        closed: {
          at: iso(closed.atMs),
          reason: closed.reason,
          supersededBy: closed.supersededBy ?? undefined,
        },
      }),
    };
  },
  text: ({ entry, sources, frames, policy, closed }) =>
    [
      quoted,
      quoteLine(entry),
      ...sources.map(
        ({ at, kind, speaker, text }) =>
          `${at} ${kind}${speaker === undefined ? "" : ` of ${oneLine(speaker)}`}: “${oneLine(text)}”`,
      ),
      policy === undefined
        ? "what a cheap look tells; no policy wrote it"
        : `${frames.length} frames; written by ${policy}`,
      ...(closed ? [`no longer current since ${closed.at}: ${closed.reason}`] : []),
    ].join("\n"),
});

const iso = (ms: number) => new Date(ms).toISOString();
