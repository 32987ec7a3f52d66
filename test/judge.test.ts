/** `--judge` on the command line: who says what a memory is worth, by words or at an endpoint. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createEpisode, episodeSeed } from "../src/household/index.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { householdWriter } from "./support/household-writer.ts";
import { startOpenAiServer } from "./support/openai-server.ts";
import { watchedMemory } from "./support/watched-memory.ts";

const folder = temporaryFolder();

test("a model at the endpoint compares memories and judges Phase One", async (t) => {
  const model = householdWriter(createEpisode(episodeSeed("validation", 7), 30));
  const server = await startOpenAiServer({ models: ["grades"], model });
  t.after(() => server.close());
  const asked = () =>
    model.requests.flatMap(({ schema }) => schema?.name ?? []).filter((name) => name !== "probe");
  const memory = join(folder, "asked");
  await (await watchedMemory(memory, ["wear"], 12)).close();
  const endpoint = ["--base-url", server.baseURL, "--model", "grades", "--json"];

  const choice = ["--policy", "choice", "--memory", memory];
  const adapt = ["adapt", "run", "--method", "preferences", "--judge", "model", ...choice];
  const result = await taskmem([...adapt, ...endpoint]);
  assert.equal(result.code, 0, result.stderr);
  assert.ok(Number(result.rows[0]!.pairs) > 0);
  assert.deepEqual([...new Set(asked())], ["relevance_of_memory"], "copied lines need no grade");
  const compared = asked().length;
  assert.equal((await taskmem([...adapt, ...endpoint])).code, 0);
  assert.equal(asked().length, compared, "verdicts are kept in the memory");

  const flags = ["--policy", "choice", "--judge-model", "grades", "--run", join(folder, "run")];
  const small = ["--steps", "1", "--off-policy-steps", "1", "--batch", "2", "--group", "2"];
  const trained = await taskmem(["train", "phase-one", ...flags, ...small, ...endpoint]);
  assert.equal(trained.code, 0, trained.stderr);
  assert.ok(asked().slice(compared).includes("correctness_of_memory"));
});

test("an unknown judge is refused", async () => {
  const memory = join(folder, "refused");
  await (await watchedMemory(memory, ["wear"], 1)).close();
  const cases: [string[], RegExp][] = [
    [["--judge", "wise"], /--judge to be local, encoder or model, got wise/],
    [["--judge", "encoder"], /--judge encoder` needs text embeddings.*TASKMEM_EMBED_BASE_URL/],
    [["--judge", "model"], /--judge model` needs a model. Name one with --base-url and --model/],
    [["--judge", "local", "--judge-model", "m"], /--judge model with --judge-model m, got local/],
    [["--policy", "nano", "--judge", "local"], /--judge does not apply to nano/],
  ];
  for (const [flags, message] of cases) {
    const run = await taskmem(["adapt", "run", "--memory", memory, ...flags]);
    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, message);
  }
});
