/** Without an endpoint and with sources on the disk, no command opens a connection or looks up a name. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedSubtitles } from "./support/media.ts";

const folder = temporaryFolder();
const attempts = join(folder, "attempts");

/** Loaded before the program: notes and refuses every connection and every look-up of a name. */
const guard = `
import { appendFileSync } from "node:fs";
import dns from "node:dns";
import dgram from "node:dgram";
import net from "node:net";
const refuse = (what) => () => {
  appendFileSync(${JSON.stringify(attempts)}, what + "\\n");
  throw new Error("no network in this test");
};
net.Socket.prototype.connect = refuse("connect");
dns.lookup = refuse("lookup");
dns.promises.lookup = refuse("lookup");
dgram.createSocket = refuse("socket");
`;

test("watching, asking, learning, forgetting, copying and checking need no network", async () => {
  const source = join(folder, "talk.srt");
  const hook = join(folder, "guard.mjs");
  const memory = join(folder, "memory");
  writeFileSync(source, inventedSubtitles(120));
  writeFileSync(hook, guard);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(hook)}` };
  const commands = [
    ["watch", source],
    ["ask", "Where is the kettle?"],
    ["adapt", "run"],
    ["export", join(folder, "export")],
    ["forget", "--person", "Mira"],
    ["import", join(folder, "export")],
    ["doctor"],
  ];
  for (const args of commands) {
    const { code, stderr } = await taskmem([...args, "--memory", memory], { env });
    assert.ok(code === 0 || args[0] === "adapt", `${args.join(" ")}: ${code} ${stderr}`);
  }
  assert.equal(existsSync(attempts) ? readFileSync(attempts, "utf8") : "", "");

  // The guard works: an endpoint that is named is asked.
  const endpoint = ["--base-url", "http://127.0.0.1:4711/v1", "--model", "m"];
  await taskmem(["doctor", "--memory", memory, ...endpoint], { env });
  assert.match(readFileSync(attempts, "utf8"), /connect/);
});
