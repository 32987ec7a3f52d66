/**
 * Writing never waits for training: while another process is in the middle of learning, clips are decided and committed,
 * and the next decision uses the new adapter. The order of events shows it, not a clock.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { captionsOf, createEpisode, episodeSeed } from "../src/household/index.ts";
import type { Source } from "../src/stream/clip.ts";
import { openTaskMem } from "../src/taskmem.ts";
import type { AdapterResult } from "../src/training/train-adapter.ts";
import { parseRow, taskmem, temporaryFolder } from "./support/cli.ts";
import { observationsOf, watchedMemory } from "./support/watched-memory.ts";

const script = resolve(import.meta.dirname, "support/adapt-step-by-step.ts");
const folder = temporaryFolder();
const clips = 30;
const second = createEpisode(episodeSeed("validation", 2), clips);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** A process that learns, once it is in the middle of judging; it continues when asked to. */
async function learningProcess(t: TestContext, directory: string) {
  const child = spawn(process.execPath, [script, directory, "verdict", "150"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const halfway = Promise.withResolvers<void>();
  reader.on("line", (line) => {
    lines.push(line);
    if (lines.filter((one) => one === "verdict").length === 150) halfway.resolve();
  });
  const closed = once(reader, "close");
  await halfway.promise;
  return {
    isLearning: () => child.exitCode === null && lines.at(-1) === "verdict",
    async finish(): Promise<AdapterResult> {
      child.stdin.write("continue\n");
      await closed;
      return parseRow(lines.at(-1)!) as unknown as AdapterResult;
    },
  };
}

test("`watch` runs from the first clip to the last while another process learns", async (t) => {
  const memory = join(folder, "whole");
  await (await watchedMemory(memory, ["wear"], 16)).close();
  const texts = (name: string) => {
    const path = join(folder, `${name}.descriptions.srt`);
    writeFileSync(path, captionsOf(second));
    return path;
  };
  const learning = await learningProcess(t, memory);
  const meanwhile: boolean[] = [];
  const during = await taskmem(["watch", texts("during"), "--json", "--memory", memory], {
    onLine: (line) => {
      if (parseRow(line)?.event === "clip-end") meanwhile.push(learning.isLearning());
    },
  });
  assert.equal(during.code, 0, during.stderr);
  assert.deepEqual(
    meanwhile,
    range(0, clips).map(() => true),
    "every clip was committed while it learned",
  );
  assert.ok(learning.isLearning());
  const report = await learning.finish();
  assert.equal(report.activated, true, report.reason);
  const revisions = ({ rows }: typeof during) =>
    new Set(rows.filter(({ event }) => event === "clip-end").map(({ revision }) => revision));
  const after = await taskmem(["watch", texts("after"), "--json", "--memory", memory]);
  assert.deepEqual([...revisions(during)], ["choice@1"]);
  assert.deepEqual([...revisions(after)], [`choice@1+${report.adapter}`]);
});

test("a running watch writes with the new adapter from its next decision", async (t) => {
  const directory = join(folder, "running");
  await (await watchedMemory(directory, ["wear"], 16)).close();
  const memory = await openTaskMem({ directory, mustExist: true, screenText: false });
  t.after(() => memory.close());
  const learning = await learningProcess(t, directory);
  /** Opened when the source may deliver clip 9. */
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  let report: AdapterResult | undefined;
  for await (const event of memory.watch(sourceThatWaits(9, gate.promise))) {
    if (event.event !== "clip-end") continue;
    events.push(`clip ${event.clip} ${event.revision}${learning.isLearning() ? " while learning" : ""}`);
    if (event.clip !== 8) continue;
    report = await learning.finish();
    events.push("active");
    gate.resolve();
  }
  assert.equal(report!.activated, true, report!.reason);
  assert.deepEqual(events, [
    ...range(0, 9).map((clip) => `clip ${clip} choice@1 while learning`),
    "active",
    ...range(9, clips).map((clip) => `clip ${clip} choice@1+${report!.adapter}`),
  ]);
  assert.deepEqual(await memory.store.check(), []);
});

/** The second film as a stream that brings no clip from the n-th on before it is let. */
function sourceThatWaits(n: number, until: Promise<void>): Source {
  return {
    ...{ id: "second", description: "second", live: false, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: second.endSeconds, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (const { clip, captions, startSeconds, endSeconds } of observationsOf(second)) {
        if (clip === n) await until;
        yield {
          ...{ kind: "clip" as const, stream: "second", index: clip, startSeconds, endSeconds },
          ...{ frames: [], largeFrames: [], audio: null, shots: [] },
          cues: captions.map((line) => ({
            ...line,
            ...{ kind: "caption" as const, origin: "stream" as const, language: null },
          })),
        };
      }
    },
  };
}
