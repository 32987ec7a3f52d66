/** A policy of your own: it decides what is kept of each clip. Run: node examples/custom-policy.ts */
import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Action, openTaskMem, type Policy } from "taskmem";

/** Keeps what is said with a number in it, and counts what it has let go. */
const numbersOnly: Policy = {
  id: "numbers-only",
  revision: "numbers-only@1",
  clipsPerDecision: 1,
  async decide({ observations }) {
    const statements = observations.flatMap(({ clip, speech }) =>
      speech
        .filter(({ text }) => /\d/.test(text))
        .map(({ text, speaker, ...span }) => ({
          ...{ clip, kind: "episodic" as const, ...span, text, frameSeconds: [] },
          speakers: speaker === null ? [] : [speaker],
          sources: [{ kind: "speech" as const, ...span, text, speaker, confidence: null }],
        })),
    );
    const text = statements.map((statement) => statement.text).join("\n");
    const action: Action = { text, statements, logprobs: null, revision: this.revision, issues: [] };
    return { actions: [action], cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 } };
  },
  advance({ observations, state }, { statements }) {
    const offered = observations.flatMap(({ speech }) => speech).length;
    const letGo = ((state.value as number | null) ?? 0) + offered - statements.length;
    return { value: letGo, documents: 0, words: new Map() };
  },
};

const directory = join(await mkdtemp(join(tmpdir(), "taskmem-example-")), "memory");
await using memory = await openTaskMem({ directory, policy: numbersOnly });
const desk = await memory.live({ stream: "desk" });
await desk.push([
  { text: "Good morning, how are you?", speaker: "Ada" },
  { text: "Your parcel has the number 4711.", speaker: "Ada" },
  { text: "It weighs 3 kilograms.", speaker: "Ada" },
]);
await desk.close();

const { entries } = await memory.timeline();
console.log(entries.map(({ text, revision }) => `${revision}: ${text}`).join("\n"));
assert.deepEqual(
  entries.map(({ text }) => text),
  ["Your parcel has the number 4711.", "It weighs 3 kilograms."],
);
assert.equal((await memory.store.policyState("numbers-only", "desk")).value, 1);
// It has no trainer, and says so.
await assert.rejects(memory.learn(), { code: "policy-untrainable" });
