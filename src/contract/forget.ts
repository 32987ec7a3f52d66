import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ConfigError } from "../errors.ts";
import type { ForgetReport } from "../memory/memory.ts";
import { oneLine } from "../util/plain-text.ts";
import { filters, given, quoted } from "./shapes.ts";
import { verb } from "./verb.ts";

const counts = [
  ...["entries", "clips", "tasks", "adapters", "gaps", "streams", "people", "faces", "blobs"],
] as const satisfies readonly (keyof ForgetReport)[];

/** Removes memories for good, in two calls: the first says what would go, the second confirms it. */
export const forget = verb({
  name: "forget",
  title: "Forget",
  about:
    "Removes memories and everything derived from them for good. A first call removes nothing and says what would go, with a token; the same call with the token as `confirm` does it. Show the person what would go before confirming.",
  effect: "removes",
  isIdempotent: true,
  input: z.strictObject({
    streams: filters.streams,
    fromSeconds: filters.fromSeconds,
    toSeconds: filters.toSeconds,
    person: z.string().min(1).optional().describe("what this person said and what names them"),
    query: z.string().min(1).optional().describe("entries that hold all words of it"),
    entries: z.array(z.string()).min(1).max(1000).optional().describe("these entries, by id"),
    confirm: z.string().optional().describe("the token of the first call"),
  }),
  output: z.object({
    done: z.boolean().describe("whether it was removed"),
    removed: z.object(Object.fromEntries(counts.map((name) => [name, z.int()]))),
    sample: z.array(z.object({ entry: z.string(), text: z.string() })).describe("some of the texts"),
    outOfReach: z.array(z.string()).describe("what may still hold it and cannot be changed here"),
    confirm: z.string().optional().describe("token that confirms exactly this"),
  }),
  async run(memory, { confirm, ...asked }) {
    const request = given(asked);
    if (Object.keys(request).length === 0)
      throw new ConfigError(
        "forget-what",
        "Say what to forget: streams, a time, a person, a query or entries",
      );
    const would = await memory.forget(request, { dryRun: true });
    const token = tokenOf(memory.store.directory, request, would);
    if (confirm === undefined) return { ...reported(would), done: false, confirm: token };
    if (!equal(confirm, token))
      throw new ConfigError(
        "confirm-invalid",
        "The token does not confirm this: something else was asked for, or what would go has changed. Call it without `confirm` again and look at what would go.",
      );
    return { ...reported(await memory.forget(request)), done: true };
  },
  text: ({ done, removed, sample, outOfReach, confirm }) => {
    const what = counts.filter((name) => removed[name]! > 0).map((name) => `${removed[name]} ${name}`);
    return [
      `${done ? "Forgot" : "Would forget"} ${what.join(", ") || "nothing"}.`,
      ...(sample.length > 0 ? [quoted] : []),
      ...sample.map(({ entry, text }) => `[${entry}] “${oneLine(text)}”`),
      ...outOfReach,
      ...(confirm === undefined ? [] : [`To do it, call it again with confirm: ${confirm}`]),
    ].join("\n");
  },
});

function reported(report: ForgetReport) {
  return {
    removed: Object.fromEntries(counts.map((name) => [name, report[name]])),
    sample: report.sample.map(({ id, text }) => ({ entry: id, text })),
    outOfReach: [...report.outOfReach],
  };
}

/** Of this process: a token is worth nothing in the next. */
const key = randomBytes(32);

/** Confirms one request as long as it would remove the same. */
function tokenOf(directory: string, request: object, { sample, ...would }: ForgetReport): string {
  const sorted = Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1));
  const what = JSON.stringify([directory, sorted, counts.map((name) => would[name]), sample]);
  return createHmac("sha256", key).update(what).digest("base64url").slice(0, 22);
}

function equal(given: string, wanted: string): boolean {
  return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}
