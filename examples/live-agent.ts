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
  // The other half of the last step below: pushes, says what is acknowledged, and never decides.
  const camera = await memory.live({ stream: "cellar", decideAfterMs: 60_000 });
  for (let i = 0; ; i++) {
    await camera.push({ id: `note ${i}`, text: `Barrel ${i} was filled in the cellar.` });
    console.log(i);
  }
}

const kitchen = await memory.live({ stream: "kitchen" });
await kitchen.push({ text: "The dentist appointment is on Tuesday at nine.", speaker: "Mia" });
await kitchen.push({ text: "The spare keys hang behind the pantry door.", speaker: "Mia" });
await kitchen.flush(); // or wait two seconds
assert.match((await memory.ask("When is the dentist appointment?")).answer, /Tuesday at nine/);
assert.match((await memory.ask("Where are the spare keys?")).answer, /pantry door/);

// Out of order, some from times that are already decided: all are kept, with their own times.
const began = Date.now();
const receipts = [];
for (let i = 0; i < 22; i++) {
  const place = (i * 7) % 22;
  receipts.push(
    await kitchen.push({
      text: `Parcel ${place} has the number ${1000 + place}.`,
      atMs: began + place * 1000,
    }),
  );
  if (i % 5 === 4) await kitchen.flush();
}
await kitchen.close();
const { entries } = await memory.timeline({ streams: ["kitchen"] });
assert.equal(entries.filter(({ text }) => text.startsWith("Parcel")).length, 22);
console.log(`22 of 22 kept, ${receipts.filter(({ late }) => late).length} of them late`);

// Pushing an id again changes nothing; a fact is kept past the policy, once per id.
await memory.remember({ text: "Mia is allergic to walnuts.", id: "allergy" });
assert.equal((await memory.remember({ text: "Mia is allergic to walnuts.", id: "allergy" })).duplicate, true);

// Killed in the middle: nothing that was acknowledged is lost.
const child = spawn(process.execPath, [import.meta.filename, "killed", directory], { stdio: "pipe" });
let acknowledged = 0;
for await (const line of child.stdout) {
  acknowledged += String(line).trim().split("\n").length;
  if (acknowledged >= 10) child.kill("SIGKILL");
}
await once(child, "close");
const cellar = await memory.live({ stream: "cellar" });
await cellar.close();
const kept = (await memory.timeline({ streams: ["cellar"] })).entries.length;
assert.ok(kept >= acknowledged, `${kept} of ${acknowledged} acknowledged notes are kept`);
console.log(`${acknowledged} acknowledged before the kill, ${kept} kept`);
