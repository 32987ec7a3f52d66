/** A day of a real life as texts: transcript and captions as one stream, and questions that see nothing later. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Answer } from "../src/answer/answer.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { sharedData } from "./support/shared-data.ts";

const day = 86_400;
const transcript = sharedData("benchmarks/egolife/EgoLifeCap/Transcript/A1_JAKE/DAY1");
const captions = sharedData("benchmarks/egolife/EgoLifeCap/DenseCaption/A1_JAKE/DAY1");

test("a day is watched as one text stream and asked as of a moment", {
  skip: transcript.skip || captions.skip,
}, async (t) => {
  const memory = join(temporaryFolder(), "memory");
  const watched = await taskmem([
    "watch",
    transcript.path,
    captions.path,
    "--stream",
    "day",
    "--language",
    "en",
    "--language",
    "zh",
    "--json",
    "--memory",
    memory,
  ]);
  assert.equal(watched.code, 0, watched.stderr);
  const end = watched.rows.at(-1)!;
  assert.equal(end.reason, "ended");
  assert.ok(Number(end.gaps) >= 1, "the hours between the files are gaps");

  const timeline = (await taskmem(["timeline", "--json", "--memory", memory])).rows;
  assert.ok(timeline.length > 1000, `${timeline.length} entries`);
  assert.ok(
    timeline.every(({ startSeconds }) => Number(startSeconds) >= 9 * 3600 && Number(startSeconds) < day),
    "on the day's clock",
  );
  const kinds = new Set(
    timeline.flatMap(({ evidence }) =>
      (evidence as { sources: { kind: string }[] }).sources.map(({ kind }) => kind),
    ),
  );
  assert.deepEqual([...kinds].sort(), ["caption", "speech"]);

  await using opened = await openTaskMem({ directory: memory, adapt: { auto: false } });
  // Words that are said both before and after a moment: an answer as of that moment may only cite what came before.
  for (const asOf of ["DAY1 11:30:00", "DAY1 13:00:00", "DAY1 18:00:00"]) {
    await t.test(`as of ${asOf} nothing later is seen`, async () => {
      const [hours, minutes] = asOf.slice(5).split(":").map(Number);
      const limit = hours! * 3600 + minutes! * 60;
      const run = await taskmem(["ask", "what is left?", "--as-of", asOf, "--json", "--memory", memory]);
      assert.equal(run.code, 0, run.stderr);
      const answers = [run.rows[0] as unknown as Answer];
      for (const question of ["what is on the table?", "what do we want to buy?", "who is going to cook?"])
        answers.push(await opened.ask(question, { asOfSeconds: limit }));
      for (const { recall, citations, nearestMisses } of answers) {
        const byId = new Map(timeline.map((row) => [row.id, row]));
        assert.ok(recall.length > 0, "something is recalled");
        for (const { entry } of recall) assert.ok(Number(byId.get(entry)!.endSeconds) <= limit);
        for (const { endSeconds } of [...citations, ...nearestMisses]) assert.ok(endSeconds <= limit);
      }
    });
  }
});
