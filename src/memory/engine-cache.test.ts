import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { addTestStream, openTestMemory, remember, temporaryFolder } from "../../test/support/memory.ts";
import { openDatabase } from "./database.ts";
import { engineCache } from "./engine-cache.ts";

const folder = temporaryFolder("engine-cache");

test("kept output survives reopening, in its scope only, and is not exported", async () => {
  const directory = join(folder, "kept");
  const memory = await openTestMemory(directory);
  const cache = memory.engineCache("here");
  assert.equal(await cache.get("a"), undefined);
  await cache.set("a", "one");
  await cache.set("a", "two");
  await memory.close();
  const again = await openTestMemory(directory);
  assert.equal(await again.engineCache("here").get("a"), "two");
  assert.equal(await again.engineCache("there").get("a"), undefined);
  for await (const row of again.rows()) assert.fail(`exported: ${JSON.stringify(row)}`);
  assert.deepEqual(await again.check(), []);
  await again.close();
});

test("the oldest output is dropped first", async () => {
  const db = openDatabase(join(folder, "full"), { readOnly: false });
  // Four letters each: two of them fit into ten bytes. "é" is two bytes.
  const cache = engineCache(db, "", 10);
  await cache.set("a", "aaaa");
  await cache.set("b", "bbbb");
  await cache.set("c", "éé");
  assert.deepEqual(["a", "b", "c"].map(cache.get), [undefined, "bbbb", "éé"]);
  await cache.set("b", "bb");
  await cache.set("d", "dddd");
  assert.deepEqual(["b", "c", "d"].map(cache.get), ["bb", "éé", "dddd"]);
  db.close();
});

test("forgetting anything empties it, and a cache opened before that keeps nothing more", async () => {
  const directory = join(folder, "forgotten");
  const [memory, other] = [await openTestMemory(directory), await openTestMemory(directory)];
  await addTestStream(memory, "kitchen");
  await remember(memory, "kitchen", 0, ["Ann hides the zanzibar key."]);
  const cache = other.engineCache("");
  await cache.set("rollout", "She hides the zanzibar key.");
  await memory.forget({ query: "zanzibar" }, { dryRun: true });
  assert.equal(await cache.get("rollout"), "She hides the zanzibar key.");
  await memory.forget({ query: "zanzibar" });
  assert.equal(await cache.get("rollout"), undefined);
  await cache.set("rollout", "The zanzibar key is hidden.");
  assert.equal(await cache.get("rollout"), undefined);
  await other.close();
  const later = memory.engineCache("");
  await later.set("rollout", "Ann sits.");
  assert.equal(await later.get("rollout"), "Ann sits.");
  await memory.close();
  for (const name of readdirSync(directory).filter((name) => name.startsWith("memory.db")))
    assert.ok(!readFileSync(join(directory, name)).includes("zanzibar"), name);
});
