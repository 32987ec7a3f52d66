/** The loop itself: what a run writes with when an adapter comes into force in its middle. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openTestMemory, temporaryFolder } from "../test/support/memory.ts";
import { createAdapter } from "./adapter/arithmetic.ts";
import { createAgent } from "./agent.ts";
import { lexicalReader, wordSpace } from "./engines/local/index.ts";
import { choicePolicy } from "./policy/choice.ts";
import type { Clip, Source } from "./stream/clip.ts";

const folder = temporaryFolder("agent");

const said = (clip: number): Clip => ({
  ...{ kind: "clip", stream: "talk", index: clip, startSeconds: clip * 10, endSeconds: clip * 10 + 10 },
  ...{ frames: [], largeFrames: [], audio: null, shots: [] },
  cues: [
    {
      ...{ startSeconds: clip * 10 + 1, endSeconds: clip * 10 + 3, speaker: null, language: null },
      ...{ kind: "speech", origin: "stream", text: `Lantern number ${clip} is in the cellar.` },
    },
  ],
});

test("an adapter that comes into force while a stream is watched writes from the next decision on", async () => {
  const memory = await openTestMemory(join(folder, "memory"));
  const adapter = createAdapter(wordSpace.id, wordSpace.dimension, [[wordSpace.bucket("lantern").index, 1]]);
  const policyNow = async () => {
    const [active] = await memory.adapters({ policy: "choice", state: "active" });
    return choicePolicy({ words: wordSpace, adapter: active ? adapter : null });
  };
  const source: Source = {
    ...{ id: "talk", description: "talk", live: false, clock: { kind: "media" }, clipSeconds: 10 },
    ...{ endSeconds: 90, fingerprint: null, problems: [] },
    open: async function* () {
      for (let clip = 0; clip < 9; clip++) {
        if (clip === 5) {
          await memory.addAdapter({
            ...{ id: "a", policy: "choice", revision: adapter.revision, state: "active" },
            ...{ reason: "", atMs: 0, tasks: [], file: "" },
          });
        }
        yield said(clip);
      }
    },
  };
  const agent = createAgent({
    memory,
    policy: await policyNow(),
    currentPolicy: policyNow,
    perceptors: { transcriber: null, language: null, screenReader: null },
    reader: lexicalReader({ words: wordSpace }),
  });
  const revisions: string[] = [];
  for await (const event of agent.watch(source)) {
    if (event.event === "clip-end") revisions[event.clip] = event.revision;
  }
  const adapted = `choice@1+${adapter.revision}`;
  assert.equal(revisions[0], "choice@1");
  assert.deepEqual(revisions.slice(6), [adapted, adapted, adapted]);
  for (const { clip, revision } of await memory.entries()) assert.equal(revision, revisions[clip]);
  await memory.close();
});
