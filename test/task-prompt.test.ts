/** `watch --task-prompt`: what memory was asked stands in the prompt of what writes next. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

test("the latest questions are shown to the model that writes, and its revision says so", async (t) => {
  const server = await startOpenAiServer({ models: ["eyes"] });
  t.after(() => server.close());
  const cwd = temporaryFolder();
  const memory = ["--memory", "m", "--json"];
  const write = (name: string) =>
    writeFileSync(join(cwd, `${name}.srt`), "1\n00:00:01,000 --> 00:00:04,000\nThe keys are on the shelf.\n");
  const watch = (name: string, ...more: string[]) => {
    write(name);
    const endpoint = ["--base-url", server.baseURL, "--model", "eyes"];
    return taskmem(["watch", `${name}.srt`, ...memory, ...endpoint, ...more], { cwd });
  };
  const before = await watch("before", "--task-prompt", "2");
  assert.equal(before.code, 0, before.stderr);
  assert.ok(
    !server.requests.some(({ text }) => text.includes("questions such as these")),
    "none was asked yet",
  );
  for (const question of ["Where is the lamp?", "Where are the keys?", "Who has the map?"])
    await taskmem(["ask", question, ...memory], { cwd });
  const without = server.requests.length;
  assert.equal((await watch("plain")).code, 0);
  assert.ok(!server.requests.slice(without).some(({ text }) => text.includes("questions such as these")));
  const from = server.requests.length;
  const shown = await watch("after", "--task-prompt", "2");
  assert.equal(shown.code, 0, shown.stderr);
  const prompts = server.requests.slice(from).filter(({ text }) => text.includes("questions such as these"));
  assert.ok(prompts.length > 0);
  for (const { text } of prompts) {
    assert.match(text, /- Where are the keys\?\n- Who has the map\?/);
    assert.doesNotMatch(text, /lamp/, "the latest two");
  }
  const refused = await taskmem(["watch", "after.srt", ...memory, "--task-prompt", "2"], { cwd });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /choice picks among texts: leave out --task-prompt/);
});
