/** The types of the AI SDK's door and of the others, as a project of TypeScript 5.9 or 7 has them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { ensureBuilt, root } from "./support/built.ts";
import { temporaryFolder } from "./support/cli.ts";
import { npmTools } from "./support/npm-tools.ts";

const folder = temporaryFolder();
const older = await npmTools(["typescript@5.9.3"]);

/** What a project writes; each expected error must be one. */
const project = `
import { generateText, isStepCount, type LanguageModel, streamText, wrapLanguageModel } from "ai";
import { openTaskMem, type Answer, type TaskMem } from "taskmem";
import { memoryMiddleware, memoryModel, memoryToolApproval, memoryTools } from "taskmem/ai";
import { taskMemClient } from "taskmem/client";
import { call, verbs } from "taskmem/contract";
import { serve } from "taskmem/http";
import { mcpServer } from "taskmem/mcp";

declare const model: Exclude<LanguageModel, string>;
const memory: TaskMem = await openTaskMem({ directory: "memory" });
const answer: Answer = await memory.ask("Where are the keys?");
const tools = memoryTools(memory, { only: ["ask", "remember", "forget"] });
const { toolResults } = await generateText({
  ...{ model, tools, toolApproval: memoryToolApproval, prompt: "Where?", stopWhen: isStepCount(3) },
});
for (const result of toolResults) if (result.type === "tool-result") result.toolName satisfies string;
const reminded = wrapLanguageModel({ model: model as never, middleware: memoryMiddleware({ memory, limit: 4 }) });
const { textStream } = streamText({ model: reminded, prompt: "Where?" });
for await (const piece of textStream) piece satisfies string;
const { sources } = await generateText({ model: memoryModel(memory, { record: false }), prompt: "Where?" });
sources.length satisfies number;

const { output } = await call(memory, verbs.costs, { days: 7 });
output.total.usd satisfies number;
const client = taskMemClient({ url: "http://127.0.0.1:3131", space: "home" });
(await client.pause({ stream: "door", paused: true })).pausedAt satisfies string | undefined;
const served = await serve({ root: "spaces", port: 0 });
served.url satisfies string;
mcpServer(memory, { write: false });
answer.citations satisfies readonly { readonly entry: string }[];

// @ts-expect-error: no such tool
memoryTools(memory, { only: ["dream"] });
// @ts-expect-error: a middleware needs a memory
memoryMiddleware({});
// @ts-expect-error: a stream is named
await client.pause({ paused: true });
`;

describe("a project's types pass", () => {
  before(() => {
    ensureBuilt();
    mkdirSync(join(folder, "node_modules"));
    for (const [name, target] of [
      ["taskmem", root],
      ["ai", join(root, "node_modules", "ai")],
      ["@types", join(root, "node_modules", "@types")],
    ] as const)
      symlinkSync(target, join(folder, "node_modules", name), "junction");
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "project.ts"), project);
    const compilerOptions = { strict: true, module: "nodenext", target: "es2024", noEmit: true };
    const settings = {
      ...compilerOptions,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      types: ["node"],
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: settings, files: ["project.ts"] }),
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  const compiled = async (compiler: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, "-p", "."], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    return stdout;
  };

  test("with TypeScript 7", async () => {
    assert.equal(await compiled(join(root, "node_modules", "typescript", "bin", "tsc")), "");
  });

  test("with TypeScript 5.9", { skip: "skip" in older && older.skip }, async () => {
    const { bin } = older as Exclude<typeof older, { skip: string }>;
    assert.equal(await compiled(bin("tsc")), "");
  });
});
