/** What a terminal would obey reaches none, whatever it came with and whichever command prints it. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { openTestMemory, remember } from "./support/memory.ts";

/** Control characters but for line ends, turns of direction, hidden characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it finds control characters
const obeyed = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]/;
const hostile = "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \u202Eturned\u2066 \x9b2J pay\u200Bpal";

async function printed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await taskmem(args);
  assert.notEqual(code, 1, stderr);
  for (const text of [stdout, stderr]) assert.doesNotMatch(text, obeyed, args.join(" "));
  return `${stdout}\n${stderr}`;
}

test("texts of subtitles and rows lose it before they are remembered", async () => {
  const folder = temporaryFolder();
  const srt = join(folder, "talk.srt");
  writeFileSync(srt, `1\n00:00:01,000 --> 00:00:03,000\n${hostile} &#27;[2J words\n`);
  const jsonl = join(folder, "rows.jsonl");
  const row = { startSeconds: 1, endSeconds: 2, text: `${hostile} lantern`, speaker: `An\x1b[1mn\u202E` };
  writeFileSync(jsonl, JSON.stringify(row));
  for (const [i, source] of [srt, jsonl].entries()) {
    const memory = join(folder, `memory ${i}`);
    const all = [
      await printed(["watch", source, "--budget", "1", "--memory", memory]),
      await printed(["timeline", "--memory", memory]),
      await printed(["ask", `Who is red ${hostile}?`, "--memory", memory]),
      await printed(["tasks", "--memory", memory]),
      await printed(["timeline", "--json", "--memory", memory]),
      await printed(["export", "-", "--memory", memory]),
    ];
    assert.match(all[1]!, /red turned paypal/);
    assert.doesNotMatch(all[1]!, /owned|31m/);
  }
});

test("what an older memory holds, names of files and what was typed are shown, not obeyed", async () => {
  const folder = temporaryFolder();
  const place = join(folder, "memory");
  const memory = await openTestMemory(place);
  const id = "cam\x1b[2J\nfake line";
  await memory.addStream({
    ...{ id, description: id, clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
  });
  await remember(memory, id, 0, ["Ann: the kettle is hot"]);
  await memory.close();
  const timeline = await printed(["timeline", "--memory", place]);
  assert.match(timeline, /cam\\x1b\[2J\\nfake line/);
  const name = join(folder, "a\x1b[31m\nb\u202E.srt");
  writeFileSync(name, "nothing to see");
  const refused = await printed(["watch", name, "--memory", join(folder, "other")]);
  assert.match(refused, /a\\x1b\[31m\\nb\\u202e\.srt/);
  mkdirSync(join(folder, "films\x1b[2J"));
  await printed(["watch", join(folder, "films\x1b[2J"), "--memory", join(folder, "other")]);
  await printed(["watch", "x", `--\x1b[2J\u202E`]);
  await printed(["timeline", `--stream=\x9b2J`, "--memory", place]);
  await printed(["timeline", "--json", `--stream=\x1b[2J\u202E`, "--memory", place]);
});
