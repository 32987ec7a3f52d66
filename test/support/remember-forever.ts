/**
 * A process that remembers clip after clip until it is killed: `node remember-forever.ts <directory or URL> <stream>`.
 *
 * Each clip has two statements and one large frame. Once a commit has returned, a line with the clip and the ids of its
 * entries goes to stdout at once.
 */
import { writeSync } from "node:fs";
import { localEmbedder, wordSpace } from "../../src/engines/local/index.ts";
import { openPlace } from "../../src/memory/place.ts";
import { seededRandom } from "../../src/util/random.ts";
import { addTestStream, decisionOf, observationOf, statementOf } from "./memory.ts";

const frameBytes = 100_000;
const [directory, stream] = process.argv.slice(2) as [string, string];

const memory = await openPlace(directory, {
  words: wordSpace,
  embedder: localEmbedder,
  now: Date.now,
});
await addTestStream(memory, stream);
await memory.lease(stream);
const { nextClip, pending } = await memory.progress(stream, 5);

for (const { clip } of pending) await decide(clip);
for (let clip = nextClip; ; clip++) {
  const random = seededRandom(`${stream} ${clip}`);
  const jpeg = Uint8Array.from({ length: frameBytes }, () => Math.floor(random() * 256));
  const frames = [{ atSeconds: clip * 10 + 1, width: 1, height: 1, jpeg }];
  await memory.addObservation(observationOf(stream, clip, { frames }));
  await decide(clip);
}

async function decide(clip: number): Promise<void> {
  const statements = ["first", "second"].map((which) =>
    statementOf(clip, `The ${which} thing of clip ${clip}`, { frameSeconds: [clip * 10 + 1] }),
  );
  const words = new Map([["thing", 2]]);
  const { stored } = await memory.commit(
    decisionOf(stream, statements, { stateChange: { value: { clip }, documents: 2, words } }),
  );
  writeSync(1, `${clip} ${stored.map(({ id }) => id).join(" ")}\n`);
}
