import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig, parseConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";

const folder = () => mkdtempSync(join(tmpdir(), "taskmem-config-"));

test("fills defaults and resolves the memory directory", async () => {
  const cwd = folder();
  const config = await loadConfig({}, { cwd, env: {} });
  assert.equal(config.memory, join(cwd, ".taskmem"));
  assert.equal(config.stream.clipSeconds, 10);
  assert.equal(config.stream.windowClips, 5);
});

test("flags override the environment, the environment overrides the file", async () => {
  const cwd = folder();
  writeFileSync(
    join(cwd, "taskmem.config.ts"),
    `export default { memory: "file", policy: "choice" as const, stream: { fps: 2 } };`,
  );
  const env = { TASKMEM_MEMORY: "/environment" };
  assert.equal((await loadConfig({}, { cwd, env: {} })).memory, join(cwd, "file"));
  assert.equal((await loadConfig({}, { cwd, env })).memory, "/environment");
  assert.equal((await loadConfig({ memory: "/flag" }, { cwd, env })).memory, "/flag");
  assert.equal((await loadConfig({}, { cwd, env })).stream.fps, 2);
});

test("reports every wrong option together", async () => {
  await assert.rejects(
    loadConfig(
      { "stream.clipSeconds": "-3", policy: "magic", "model.model": "m" },
      { cwd: folder(), env: {} },
    ),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /clipSeconds/);
      assert.match(error.message, /policy/);
      return true;
    },
  );
});

test("several base URLs come as a list, from repeated flags, or with commas between them; one stays one", async () => {
  const [a, b] = ["http://a:1/v1", "http://b:1/v1?x=1,2"];
  const read = async (given: unknown) =>
    (await loadConfig({ "model.baseUrl": given, "model.model": "m" }, { cwd: folder(), env: {} })).model
      .baseUrl;
  for (const given of [[a, b], `${a}, ${b}`, [`${a},${b}`]]) assert.deepEqual(await read(given), [a, b]);
  for (const given of [b, [b]]) assert.equal(await read(given), b);
  const env = { TASKMEM_EMBED_BASE_URL: `${a},${b}`, TASKMEM_EMBED_MODEL: "m" };
  assert.deepEqual((await loadConfig({}, { cwd: folder(), env })).embedder.baseUrl, [a, b]);
  await assert.rejects(read([a, "nonsense"]), /model\.baseUrl/);
  await assert.rejects(read([]), /model\.baseUrl/);
});

test("the price table is an option, or a file that the flag names; a wrong one is refused", async () => {
  const cwd = folder();
  const table = {
    "qwen3-vl": { promptPerMillion: 0.2, completionPerMillion: 1.6 },
    ears: { soundPerMinute: 0.006 },
  };
  const write = (name: string, content: string) => writeFileSync(join(cwd, name), content);
  write("prices.json", JSON.stringify(table));
  write("prices.ts", `export default ${JSON.stringify(table)};`);
  write("taskmem.config.json", JSON.stringify({ prices: { other: { promptPerMillion: 1 } } }));
  const read = async (flags: object) => (await loadConfig({ ...flags }, { cwd, env: {} })).prices;
  assert.deepEqual(await read({}), { other: { promptPerMillion: 1 } });
  for (const name of ["prices.json", "prices.ts"]) assert.deepEqual(await read({ prices: name }), table);
  await assert.rejects(read({ prices: "missing.json" }), {
    code: "config-unreadable",
    message: /missing\.json/,
  });
  for (const wrong of [{ ears: { perHour: 1 } }, { ears: { soundPerMinute: -1 } }, { ears: {} }]) {
    write("wrong.json", JSON.stringify(wrong));
    await assert.rejects(read({ prices: "wrong.json" }), { code: "config-invalid", message: /prices\.ears/ });
  }
});

test("thinking and fields of one server come as flags and as options", async () => {
  const load = (given: object) => loadConfig(given as never, { cwd: folder(), env: {} });
  const { model } = await load({ "model.thinking": "off", "model.extraBody": '{"cache_salt":"a"}' });
  assert.deepEqual([model.thinking, model.extraBody], [false, { cache_salt: "a" }]);
  const cwd = folder();
  writeFileSync(
    join(cwd, "taskmem.config.ts"),
    "export default { model: { thinking: true, extraBody: { top_a: 1 } } };",
  );
  const read = (await loadConfig({}, { cwd, env: {} })).model;
  assert.deepEqual([read.thinking, read.extraBody], [true, { top_a: 1 }]);
  for (const wrong of [
    { "model.thinking": "perhaps" },
    { "model.extraBody": "{" },
    { "model.extraBody": "[1]" },
  ])
    await assert.rejects(load(wrong), { code: "config-invalid" });
});

test("says what the model policy needs", async () => {
  await assert.rejects(loadConfig({ policy: "model" }, { cwd: folder(), env: {} }), /--base-url/);
});

test("options of the choice policy are refused with another policy, however it was chosen", async () => {
  const endpoint = { "model.baseUrl": "http://localhost:1/v1", "model.model": "m" };
  for (const [option, value] of [
    ["weights", "choice.json"],
    ["budget", 0.3],
  ] as const) {
    const load = (flags: object) =>
      loadConfig({ [`choice.${option}`]: value, ...flags }, { cwd: folder(), env: {} });
    assert.equal((await load({})).choice[option], value);
    assert.equal((await load({ ...endpoint, policy: "choice" })).choice[option], value);
    const refused = (policy: string) =>
      new RegExp(`1 wrong:\n {2}choice\\.${option}: .* got it for \`${policy}\`: .* leave`);
    await assert.rejects(load({ policy: "nano" }), refused("nano"));
    await assert.rejects(load(endpoint), refused("model"));
    await assert.rejects(load({ ...endpoint, "bestOfN.samples": 4 }), refused("best-of-n"));
  }
  for (const flags of [{ policy: "nano" }, endpoint])
    assert.deepEqual((await loadConfig(flags, { cwd: folder(), env: {} })).choice, {});
});

test("refuses an unknown option in the file and a missing file", async () => {
  const cwd = folder();
  writeFileSync(join(cwd, "taskmem.config.json"), JSON.stringify({ memroy: "typo" }));
  await assert.rejects(loadConfig({}, { cwd, env: {} }), /memroy/);
  await assert.rejects(
    loadConfig({}, { cwd, env: {}, file: "nowhere.ts" }),
    /There is no configuration file/,
  );
});

test("a preset fills what is left out, at once or again, and its options are checked like others", async () => {
  const load = (given: object) => loadConfig(given as never, { cwd: folder(), env: {} });
  const endpoint = { "model.baseUrl": "http://localhost:1/v1", "model.model": "gemma-3-4b" };
  const config = await load({ ...endpoint, "model.sampling": { topK: "40" } });
  const { preset, temperature, sampling } = config.model;
  assert.deepEqual([preset, temperature, sampling], ["gemma-3", 1, { temperature: 1, topP: 0.95, topK: 40 }]);
  assert.deepEqual(parseConfig(config), config);
  assert.deepEqual((await load({})).model.preset, undefined);
  const refused = (given: object, message: RegExp) =>
    assert.rejects(load({ ...endpoint, ...given }), { code: "config-invalid", message });
  await refused({ "model.preset": "gemma" }, /model\.preset: .*"gemma-3"\|"gemma-4".*"none"/);
  await refused({ "model.sampling": { topQ: 1 } }, /model\.sampling: .*"topQ"/);
  await refused({ "model.thinking": "on" }, /model\.thinking: models of the preset gemma-3 do not think/);
  await refused({ "model.video": "video" }, /model\.video: models of the preset gemma-3 take no video/);
  await refused(
    { "model.temperature": 1, "model.sampling": { temperature: 0 } },
    /1 wrong:\n {2}model\.temperature: expected it once, got 1 here and 0 in model\.sampling$/,
  );
  await refused(
    { policy: "choice", "model.promptTemplate": "a.txt" },
    /model\.promptTemplate: only .*`choice`/,
  );
  for (const temperature of [{ "model.temperature": 0 }, { "model.sampling": { temperature: 0 } }])
    await refused(
      { policy: "best-of-n", ...temperature },
      /model\.temperature: expected above 0 for `best-of-n`/,
    );
  await refused({ "stream.multiple": 3 }, /stream\.multiple: .*multiple of 2/);
});

test("an object that a flag gives joins that of the file", async () => {
  const cwd = folder();
  writeFileSync(
    join(cwd, "taskmem.config.json"),
    JSON.stringify({ model: { sampling: { minP: 0.1, topK: 5 } } }),
  );
  const { model } = await loadConfig({ "model.sampling": { topK: 7 } }, { cwd, env: {} });
  assert.deepEqual(model.sampling, { minP: 0.1, topK: 7 });
});
