/** Watch a file and ask about it: no model, no key. Run: node examples/watch-and-ask.ts */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTaskMem } from "taskmem";

const folder = await mkdtemp(join(tmpdir(), "taskmem-example-"));
const talk = join(folder, "talk.srt");
await writeFile(
  talk,
  `1
00:00:01,000 --> 00:00:04,000
Anna: The deadline for the survey is Friday at noon.

2
00:00:12,000 --> 00:00:15,000
Ben: The keys of the archive are with the porter.
`,
);

await using memory = await openTaskMem({ directory: join(folder, "memory") });

// Iterate over what happens, or simply await the end.
for await (const event of memory.watch(talk))
  if (event.event === "clip-end") for (const { text } of event.entries) console.log("remembered:", text);
const again = await memory.watch(talk);
assert.equal(again.clips, 0, "what is watched is not watched again");

const { answer, citations } = await memory.ask("When is the deadline for the survey?");
console.log("answer:", answer, "from second", citations[0]?.startSeconds);
assert.match(answer, /Friday at noon/);
assert.equal(citations[0]?.startSeconds, 1);

const { entries } = await memory.timeline({ speakers: ["Ben"] });
assert.match(entries[0]!.text, /archive/);

// A typo in a filter is an error, not everybody's entries.
await assert.rejects(memory.timeline({ stream: "talk" } as never), { code: "option-unknown" });
