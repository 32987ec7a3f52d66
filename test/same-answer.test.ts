/**
 * One memory behind every door: the same question gets the same answer, option, citations and closest moments from the
 * library, the command line, MCP, the AI SDK and HTTP, and every door can show what a citation rests on.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { generateText, type ToolExecutionOptions } from "ai";
import { memoryModel, memoryTools } from "../src/ai/index.ts";
import { type Served, serve } from "../src/http/index.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { decisionOf, observationOf } from "./support/memory.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));
const main = resolve(import.meta.dirname, "../src/cli/main.ts");

interface Question {
  readonly about: string;
  readonly question: string;
  readonly options?: string[];
  readonly asOfSeconds?: number;
}

const questions: readonly Question[] = [
  { about: "answered", question: "Where does the spare key hang?" },
  { about: "what a later fact replaced", question: "Where is the ladder?" },
  { about: "declined", question: "What is the name of the mayor of Leeds?" },
  {
    about: "multiple choice",
    question: "What does Ann bring to the picnic?",
    options: ["a blanket", "lemon cake", "a kite"],
  },
  {
    about: "declined, multiple choice",
    question: "What does the mayor of Leeds drive?",
    options: ["a tram", "a bicycle", "a horse"],
  },
  { about: "as of a moment", question: "Where is the ladder?", asOfSeconds: 50 },
  { about: "when", question: "When does the bus to the lake leave?" },
  { about: "when it was said", question: "When did Ann talk about the lemon cake?" },
  { about: "within a time", question: "What did Ann say at 0:35?" },
  { about: "overview", question: "What is the recording about?" },
  { about: "a fact of a recording", question: "How long is the video?" },
];

/** What every door tells. */
interface Told {
  readonly answer: string;
  readonly option: string | null;
  readonly abstained: boolean;
  readonly citations: readonly Moment[];
  readonly closest: readonly Moment[];
  readonly earlier: readonly Moment[];
}

interface Moment {
  readonly entry: string;
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
}

const momentOf = ({ entry, stream, startSeconds, endSeconds, text }: Moment): Moment => ({
  ...{ entry, stream, startSeconds, endSeconds, text },
});

/** What the library answers, and the command line prints as JSON. */
const ofLibrary = (answer: Omit<Told, "closest"> & { readonly nearestMisses: readonly Moment[] }): Told =>
  told({ ...answer, closest: answer.nearestMisses });

/** What the contract's `ask` returns, which the other doors print. */
const ofVerb = (output: unknown): Told =>
  told({ ...(output as Told), option: (output as { option?: string }).option ?? null });

const told = ({ answer, option, abstained, citations, closest, earlier }: Told): Told => ({
  ...{ answer, option, abstained },
  ...{ citations: citations.map(momentOf), closest: closest.map(momentOf), earlier: earlier.map(momentOf) },
});

describe("the same question, by every door", () => {
  const root = join(folder, "spaces");
  const directory = join(root, "home");
  let memory: TaskMem;
  let served: Served;
  let host: Client;
  const settings = { choice: { budget: 1 }, adapt: { auto: false }, embedder: { meaning: "off" } } as const;

  before(async () => {
    memory = await openTaskMem({ directory, ...settings });
    const talk = join(folder, "picnic.srt");
    const lines = [
      ["00:00:01", "00:00:04", "Ben: The bus to the lake leaves at ten."],
      ["00:00:12", "00:00:15", "Ann: I bring lemon cake to the picnic."],
      ["00:00:33", "00:00:38", "Ann: The ladder is in the shed."],
      ["00:00:52", "00:00:55", "Ben: The spare key hangs behind the blue door."],
      ["00:01:12", "00:01:15", "Ann: The ladder is in the cellar now."],
    ];
    writeFileSync(
      talk,
      lines.map(([from, to, text], i) => `${i + 1}\n${from},000 --> ${to},000\n${text}\n`).join("\n"),
    );
    await memory.watch(talk);
    // A film in which nothing is said: what is known of it is what a cheap look tells.
    const { store } = memory;
    const film = { id: "hall", description: "hall", clipSeconds: 10, fingerprint: null };
    await store.addStream({ ...film, clock: { kind: "media" } });
    const look = {
      ...{ recordedAtMs: null, sound: null, problems: [], lines: { said: 0, captions: 0, read: 0 } },
      picture: { width: 640, height: 360, brightness: 0.5, changed: 0.2, cuts: 0 },
    };
    for (let clip = 0; clip < 9; clip++) {
      await store.addObservation(observationOf("hall", clip, { look }));
      await store.commit(decisionOf("hall", [], { clips: [clip] }));
    }
    served = await serve({ root, port: 0, spaces: settings });
    host = new Client({ name: "host", version: "1" });
    const args = [main, "mcp", "--memory", directory, "--meaning", "off"];
    await host.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }));
  });
  after(async () => {
    await host.close();
    await served.close();
    await memory.close();
  });

  const overHttp = async (path: string, body?: unknown) => {
    const response = await fetch(`${served.url}/v1/spaces/home${path}`, {
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    assert.equal(response.status, 200, path);
    // biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not typed
    return (await response.json()) as any;
  };

  for (const { about, question, options, ...filter } of questions)
    test(about, async () => {
      const input = { question, ...(options && { options }), ...filter };
      const asked = options ? { text: question, options } : question;
      const wanted = ofLibrary(await memory.ask(asked, { record: false, ...filter }));
      assert.equal(wanted.abstained, about.startsWith("declined"), wanted.answer);

      const asOf = filter.asOfSeconds === undefined ? [] : ["--as-of", String(filter.asOfSeconds)];
      const flags = [...(options ?? []).flatMap((text) => ["--option", text]), ...asOf];
      const line = await taskmem([
        "ask",
        question,
        ...flags,
        "--memory",
        directory,
        "--no-adapt",
        "--meaning",
        "off",
        "--json",
      ]);
      assert.deepEqual(ofLibrary(line.rows[0] as never), wanted, "the command line");

      const called = await host.callTool({ name: "memory_ask", arguments: { ...input, record: false } });
      assert.deepEqual(ofVerb(called.structuredContent), wanted, "MCP");

      const tool = memoryTools(memory).memory_ask;
      const output = await tool.execute!({ ...input, record: false }, {} as ToolExecutionOptions<never>);
      assert.deepEqual(ofVerb(output), wanted, "the AI SDK's tool");

      const answered = await overHttp("/ask", { ...input, record: false });
      assert.deepEqual(ofVerb(answered), wanted, "HTTP");

      for (const { entry } of wanted.citations) {
        const shown = await overHttp(`/entries/${encodeURIComponent(entry)}`);
        assert.equal(shown.entry.entry, entry);
        const { contents } = await host.readResource({ uri: `taskmem://entries/${entry}` });
        assert.deepEqual(JSON.parse((contents[0] as { text: string }).text), shown);
      }
      // These two take a question alone.
      if (options || filter.asOfSeconds !== undefined) return;
      const { text, sources } = await generateText({
        model: memoryModel(memory, { record: false }),
        prompt: question,
      });
      const cited = wanted.citations.map(({ entry }) => entry);
      assert.deepEqual([text, sources.map(({ id }) => id)], [wanted.answer, cited], "the AI SDK's model");
      const messages = [{ role: "user", content: question }];
      const [{ message }] = (await overHttp("/openai/v1/chat/completions", { messages })).choices;
      const urls = message.annotations.map((one: { url_citation: { url: string } }) => one.url_citation.url);
      const links = cited.map((entry) => `taskmem://entries/${encodeURIComponent(entry)}`);
      assert.deepEqual([message.content, urls], [wanted.answer, links], "the OpenAI-compatible endpoint");
    });
});
