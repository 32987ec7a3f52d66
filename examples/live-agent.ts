/** An agent that pushes what it hears and sees, and asks its memory. Run: node examples/live-agent.ts */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTaskMem } from "taskmem";

const [role, given] = process.argv.slice(2);
const directory = given ?? join(await mkdtemp(join(tmpdir(), "taskmem-example-")), "memory");
await using memory = await openTaskMem({ directory });

if (role === "killed") {
  // The other half of the last step below: pushes, says what is acknowledged, never decides.
  const camera = await memory.live({ stream: "cellar", decideAfterMs: 60_000 });
  for (let i = 0; ; i++) {
    await camera.push({ text: `Barrel ${i} was filled in the cellar.` });
    console.log(i);
  }
}

const kitchen = await memory.live({ stream: "kitchen" });
await kitchen.push([{ text: "The dentist is on Tuesday." }, { text: "The keys hang behind the door." }]);
await kitchen.flush(); // or wait two seconds
assert.match((await memory.ask("When is the dentist?")).answer, /Tuesday/);
assert.match((await memory.ask("Where are the keys?")).answer, /behind the door/);

// Out of order, some from times that are already decided: all are kept, with their own times.
const began = Date.now();
let lateOnes = 0;
for (let i = 0; i < 22; i++) {
  const place = (i * 7) % 22;
  const text = `Parcel ${place} has the number ${1000 + place}.`;
  const { late } = await kitchen.push({ text, atMs: began + place * 1000 });
  if (late) lateOnes += 1;
  if (i % 5 === 4) await kitchen.flush();
}
await kitchen.close();
const { entries } = await memory.timeline({ streams: ["kitchen"] });
assert.equal(entries.filter(({ text }) => text.startsWith("Parcel")).length, 22);
console.log(`22 of 22 kept, ${lateOnes} of them late`);

// A fact is kept past the policy, once per id.
const fact = { text: "Mia is allergic to walnuts.", id: "allergy" };
await memory.remember(fact);
assert.equal((await memory.remember(fact)).duplicate, true);

// Killed in the middle: nothing that was acknowledged is lost.
const child = spawn(process.execPath, [import.meta.filename, "killed", directory], { stdio: "pipe" });
let acknowledged = 0;
for await (const line of child.stdout) {
  acknowledged += String(line).trim().split("\n").length;
  if (acknowledged >= 10) child.kill("SIGKILL");
}
await once(child, "close");
await (await memory.live({ stream: "cellar" })).close();
const kept = (await memory.timeline({ streams: ["cellar"] })).entries.length;
assert.ok(kept >= acknowledged, `${kept} of ${acknowledged} acknowledged notes are kept`);
console.log(`${acknowledged} acknowledged before the kill, ${kept} kept`);
