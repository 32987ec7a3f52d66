/** Phase Two of nano on the command line: questions of one kind become an active adapter, and change what it writes. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import { askAbout, createEpisode, episodeSeed } from "../src/household/index.ts";
import { renderEpisode } from "../src/household/render.ts";
import { seededRandom } from "../src/util/random.ts";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { adaptersOnceKept } from "./support/kept-adapters.ts";
import { openTestMemory } from "./support/memory.ts";

const weights = shippedWeights("nano");

test("nano learns from questions about displays, passes the gate, and writes down more of what they show", {
  skip: existsSync(weights) ? false : `needs ${weights}: \`taskmem train phase-one\` makes it`,
}, async () => {
  const folder = temporaryFolder();
  const ok = async (...args: string[]): Promise<readonly Row[]> => {
    const run = await taskmem([...args, "--json", "--memory", join(folder, "memory")]);
    assert.equal(run.code, 0, run.stderr);
    return run.rows;
  };
  const written = (rows: readonly Row[]) => {
    const clips = rows.filter(({ event }) => event === "clip-end");
    const texts = clips.flatMap(({ entries }) => (entries as { text: string }[]).map(({ text }) => text));
    return {
      revision: String(clips[0]!.revision),
      texts,
      displays: texts.filter((text) => text.includes(" shows ")).length,
    };
  };
  const { video } = await renderEpisode(createEpisode(episodeSeed("held-out", 3), 12), folder, {
    name: "film",
  });
  const again = join(folder, "again.mp4");
  copyFileSync(video, again);

  const before = written(await ok("watch", video, "--policy", "nano"));
  const asked = createEpisode(episodeSeed("validation", 1), 30);
  for (const { text } of askAbout(asked, seededRandom("lesson"), { perKind: 5, kinds: ["display"] }))
    await ok("tasks", "add", text);
  const [report] = await ok("adapt", "run", "--policy", "nano");
  assert.equal(report!.activated, true, String(report!.reason));
  assert.equal((await ok("adapt", "status", "--policy", "nano"))[0]!.active, report!.id);

  const after = written(await ok("watch", again, "--policy", "nano"));
  assert.equal(after.revision, `${before.revision}+${report!.adapter}`);
  assert.notDeepEqual(after.texts, before.texts);
  assert.ok(after.displays > before.displays, `${before.displays} before, ${after.displays} after`);
});

test("after five questions training begins by itself, and the answer does not wait for it", {
  skip: existsSync(weights) ? false : `needs ${weights}: \`taskmem train phase-one\` makes it`,
}, async (t) => {
  const memory = join(temporaryFolder(), "memory");
  const run = (...args: string[]) =>
    taskmem([...args, "--json", "--memory", memory], { env: { TASKMEM_POLICY: "nano" } });
  await (await openTestMemory(memory)).close();
  const asked = createEpisode(episodeSeed("validation", 2), 30);
  const remarks: string[] = [];
  for (const { text } of askAbout(asked, seededRandom("by itself"), { perKind: 5, kinds: ["place"] })) {
    const answer = await run("ask", text);
    assert.equal(answer.code, 0, answer.stderr);
    remarks.push(answer.stderr);
  }
  assert.deepEqual(
    remarks.map((remark) => /learning from 5 new questions in the background/.test(remark)),
    [false, false, false, false, true],
  );
  const { rows } = await run("adapt");
  assert.deepEqual(rows[0]!.adapters, [], "the fifth answer was there before the training ended");
  const [adapter] = await adaptersOnceKept(memory, t.signal);
  assert.equal(adapter!.tasks.length, 5);
  assert.ok(["active", "refused"].includes(adapter!.state));
});
