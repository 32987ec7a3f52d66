/**
 * The MCP server before the protocol's own judges: the conformance suite of revision 2026-07-28 over HTTP, and the strict
 * check of its inspector over standard input and output.
 *
 * Scenarios that call tools, resources or prompts of the suite's own cannot pass on a server with others; they are listed,
 * and everything else must pass. A listed one that passes fails the test too.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { serveMcpHttp } from "../src/mcp/index.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { temporaryFolder } from "./support/cli.ts";
import { npmTools } from "./support/npm-tools.ts";

const revision = "2026-07-28";
const tools = await npmTools([
  "@modelcontextprotocol/conformance@0.2.0-alpha.12",
  "@modelcontextprotocol/inspector@2.12.0",
]);

/** Scenarios that need the suite's own tools (`test_simple_text`), resources (`test://static-text`) or prompts. */
const ofItsOwn = [
  ...[
    ...["server-rejects-undeclared-capability", "missing-capability-http-400"],
    ...["http-server-no-independent-requests-on-stream", "server-no-log-without-loglevel"],
    // Our lists of tools and prompts never change.
    ...[
      "server-sends-prompts-list-changed-on-subscription",
      "server-sends-tools-list-changed-on-subscription",
    ],
  ].map((check) => `server-stateless:sep-2575-${check}`),
  ...["completion-complete", "tools-call-simple-text", "tools-call-image", "tools-call-audio"],
  ...["tools-call-embedded-resource", "tools-call-mixed-content", "tools-call-error"],
  ...["tools-call-with-progress", "resources-read-text", "resources-read-binary", "resources-templates-read"],
  ...[
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-embedded-resource",
    "prompts-get-with-image",
  ],
  ...[
    ...[
      "basic-elicitation",
      "basic-sampling",
      "basic-list-roots",
      "request-state",
      "multiple-input-requests",
    ],
    ...["multi-round", "non-tool-request", "result-type", "tampered-state", "capability-check"],
    ...["missing-input-response", "ignore-extra-params"],
  ].map((name) => `input-required-result-${name}`),
];

describe("the MCP server conforms", { skip: "skip" in tools ? tools.skip : false }, () => {
  const folder = temporaryFolder();
  after(() => rmSync(folder, { recursive: true }));
  const { bin } = tools as Exclude<typeof tools, { skip: string }>;

  test(`to the suite of ${revision}`, async () => {
    await using memory = await openTaskMem({ directory: join(folder, "memory") });
    await memory.remember("The spare key hangs behind the blue door.");
    const server = await serveMcpHttp(memory, 0);
    const expected = join(folder, "expected.yml");
    writeFileSync(expected, `server:\n${ofItsOwn.map((name) => `  - ${name}\n`).join("")}`);
    const results = [
      "--requirements",
      revision,
      "--expected-failures",
      expected,
      "-o",
      join(folder, "results"),
    ];
    try {
      const run = await promisify(execFile)(bin("conformance"), [
        "server",
        "--url",
        server.url,
        ...results,
      ]).catch((error) => error as { code: number; stdout: string });
      assert.ok(!("code" in run), run.stdout.slice(-4000));
      assert.match(run.stdout, /✓ tools-list: 4 passed, 0 failed/);
      assert.match(run.stdout, /✓ dns-rebinding-protection/);
    } finally {
      await server.close();
    }
  });

  test("to the strict check of the inspector", async () => {
    const main = resolve(import.meta.dirname, "../src/cli/main.ts");
    const server = [process.execPath, main, "mcp", "--memory", join(folder, "other")];
    const { stdout } = await promisify(execFile)(bin("mcp-inspector"), [
      ...["--cli", ...server, "--method", "tools/list", "--strict"],
    ]);
    assert.equal(JSON.parse(stdout).tools.length, 8);
  });
});
