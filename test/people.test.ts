/** Who is who on the command line and over HTTP: people of a memory are listed and changed, and only a key that may sees them. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { answerQuestion } from "../src/answer/answer.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { Keys, type Scope, serve } from "../src/http/index.ts";
import { serveMcpHttp } from "../src/mcp/index.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import type { ClipFaces } from "../src/perception/faces.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import { buildContext, contextDefaults } from "../src/policy/context.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { taskmem } from "./support/cli.ts";
import {
  addTestStream,
  decisionOf,
  observationOf,
  openTestMemory,
  statementOf,
  temporaryFolder,
} from "./support/memory.ts";

const folder = temporaryFolder("people");
const root = join(folder, "spaces");
const directory = join(root, "home");

/** A face four seconds long, at a place of a line. */
function track(at: number, clip: number): ClipFaces["tracks"][number] {
  const vector = Float32Array.of(at, 0);
  return {
    atSeconds: [0, 1, 2, 3].map((second) => clip * 10 + second),
    vectors: [vector, vector, vector, vector],
    ...{ vector, crop: Buffer.from(`face ${at} ${clip}`), cropSeconds: clip * 10 },
    box: { left: at / 10, top: 0, width: 0.1, height: 0.1 },
  };
}

before(async () => {
  mkdirSync(directory, { recursive: true });
  await using memory = await openTestMemory(directory);
  await addTestStream(memory, "door");
  const seen = [[track(0, 0), track(2, 0)], [track(0.1, 1)], [track(4, 2)]];
  for (const [clip, tracks] of seen.entries()) {
    await memory.addObservation(
      observationOf("door", clip, { faces: { space: "test", tracks, aloneSeconds: [] } }),
    );
    const says = clip === 1 ? [statementOf(1, "[person_1] rang the bell.")] : [];
    await memory.commit(decisionOf("door", says, { clips: [clip] }));
  }
});

const people = async (...words: string[]) => {
  const run = await taskmem(["people", ...words, "--memory", directory, "--json"]);
  const lines = run.stdout.split("\n").filter((line) => line !== "");
  return { ...run, rows: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

test("without a model, memory says who is seen, by the name given later, and questions are answered by it", async () => {
  await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => 0 });
  await addTestStream(memory, "door");
  const policy = choicePolicy({ words: wordSpace, clipSeconds: 10 });
  const state = { value: null, documents: 0, words: new Map<string, number>() };
  const seen = [[track(0, 0), track(2, 0)], [], [track(2.1, 2)]];
  for (const [clip, tracks] of seen.entries())
    await memory.addObservation(
      observationOf("door", clip, { faces: { space: "test", tracks, aloneSeconds: [] } }),
    );
  const { pending } = await memory.progress("door", 5);
  const context = buildContext(pending, { observations: [], entries: [], state }, contextDefaults);
  const [action] = (await policy.decide(context)).actions;
  await memory.commit(decisionOf("door", action!.statements, { clips: [0, 1, 2] }));
  await memory.changePeople({ kind: "name", person: 2, name: "Tom" });
  const reader = lexicalReader({ words: wordSpace });
  const answers = async (text: string) =>
    (await answerQuestion(text, { memory, reader, now: () => 0 })).answer;
  assert.equal(await answers("Who was there?"), "[person_1] and Tom are seen.");
  assert.equal(await answers("When was Tom here?"), "00:00:00: Tom is seen.");
  assert.equal(await answers("Who was there at 00:20?"), "Tom is seen.");
  assert.match(await answers("Was Mia here?"), /Memory holds nothing about "Mia"/);
});

describe("taskmem people", () => {
  test("lists people, their faces and pictures", async () => {
    const { rows } = await people("list");
    assert.deepEqual(
      rows.map(({ id, faces, told }) => [id, faces, told]),
      [
        ["person_1", 2, true],
        ["person_2", 1, true],
        ["person_3", 1, true],
      ],
    );
    const pictures = join(folder, "pictures");
    const own = await people("list", "1", "--pictures", pictures);
    assert.deepEqual(
      own.rows.map(({ stream, at, person }) => [stream, at, person]),
      [
        ["door", "00:00:00", "person_1"],
        ["door", "00:00:10", "person_1"],
      ],
    );
    assert.ok(existsSync(join(pictures, `${own.rows[0]!.face}.jpg`)));
    assert.deepEqual((await people("list", "nobody")).rows, []);
  });

  test("names, merges, splits and undoes, and texts follow", async () => {
    const timeline = async () => (await taskmem(["timeline", "--memory", directory])).stdout;
    assert.match((await people("name", "person_1", "Mia")).stdout, /person_1 is called Mia/);
    assert.match(await timeline(), /Mia rang the bell/);
    assert.equal((await people("merge", "1", "3")).code, 0);
    const [first] = (await people("list", "1")).rows;
    const split = await people("split", "1", String(first!.face));
    assert.equal(split.rows[0]!.made, "person_4");
    assert.deepEqual((await people("undo")).rows[0]!.undone, true);
    await people("undo");
    await people("undo", "1");
    assert.match(await timeline(), /\[person_1\] rang the bell/);
    assert.deepEqual(
      (await people("changes")).rows.map(({ change, undone }) => [change, undone]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    );
  });

  test("wrong calls say what was expected", async () => {
    assert.match((await people("merge", "1", "2")).stderr, /in one picture of door/);
    assert.match(
      (await people("name", "Mia", "3")).stderr,
      /Expected a number such as 3 or person_3, got Mia/,
    );
    assert.match((await people("name", "9", "Bo")).stderr, /It knows person_1, person_2, person_3/);
  });
});

test("over HTTP, people need a key that may see them", async () => {
  const keys = await Keys.open(root);
  const served = await serve({ root, port: 0 });
  const post = async (key: string, body: object) => {
    const answer = await fetch(`${served.url}/v1/spaces/home/people`, {
      ...{ method: "POST", body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    });
    return {
      status: answer.status,
      json: (await answer.json()) as { people?: { name?: string }[]; code?: string },
    };
  };
  try {
    const reads = await keys.add({ name: "reads", spaces: ["home"], scopes: ["read", "write", "forget"] });
    assert.equal((await post(reads, {})).status, 403);
    const may = await keys.add({ name: "may", spaces: ["home"], scopes: ["people"] });
    assert.equal((await post(may, {})).json.people!.length, 3);
    const named = await post(may, { op: "name", person: 2, name: "Tom" });
    assert.equal(named.json.people![1]!.name, "Tom");
    assert.equal((await post(may, { op: "undo" })).json.people![1]!.name, undefined);
    assert.equal((await post(may, { op: "split", person: 2 })).json.code, "input-invalid");
  } finally {
    await served.close();
  }
});

describe("agents over MCP", () => {
  const connected = async (url: string, key?: string) => {
    const client = new Client({ name: "host", version: "1" });
    const requestInit = key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return client;
  };
  const called = async (client: Client, input: object) => {
    const { content, structuredContent, isError } = await client.callTool({
      ...{ name: "memory_people", arguments: { ...input } },
    });
    const pictures = (content as { type: string; data?: string }[]).filter(({ type }) => type === "image");
    const found = structuredContent as { people?: { name?: string }[]; faces?: object[] } | undefined;
    return { found, pictures: pictures.map(({ data }) => String(Buffer.from(data!, "base64"))), isError };
  };

  test("see who is known, with pictures, and name them", async () => {
    await using memory = await openTaskMem({ directory, choice: { budget: 1 } });
    const server = await serveMcpHttp(memory, 0);
    const client = await connected(server.url);
    try {
      const { tools } = await client.listTools();
      assert.ok(tools.length <= 8);
      const { found, pictures } = await called(client, { pictures: true });
      assert.deepEqual([found!.people!.length, pictures.length], [3, 3]);
      assert.match(pictures[1]!, /^face 2 0$/);
      assert.equal((await called(client, { person: 1, pictures: true })).pictures.length, 2);
      assert.deepEqual((await called(client, {})).pictures, []);
      const named = await called(client, { op: "name", person: 2, name: "Tom" });
      assert.equal(named.found!.people![1]!.name, "Tom");
      assert.equal((await called(client, { op: "name", person: 9, name: "Bo" })).isError, true);
      await called(client, { op: "undo" });
    } finally {
      await client.close();
      await server.close();
    }
  });

  test("have the tool at a server by a key of that scope alone, and without writing only the list", async () => {
    const keys = await Keys.open(root);
    const served = await serve({ root, port: 0 });
    const offered = async (scopes: readonly Scope[]) => {
      const client = await connected(
        `${served.url}/v1/spaces/home/mcp`,
        await keys.add({ name: "agent", spaces: ["home"], scopes: [...scopes] }),
      );
      const { tools } = await client.listTools();
      await client.close();
      return tools.find(({ name }) => name === "memory_people")?.inputSchema.properties;
    };
    try {
      assert.equal(await offered(["read", "ask", "write", "forget"]), undefined);
      assert.deepEqual(Object.keys((await offered(["read", "ask", "people"]))!).sort(), [
        ...["nobody", "person", "pictures"],
      ]);
      assert.ok("op" in (await offered(["read", "ask", "write", "forget", "people"]))!);
    } finally {
      await served.close();
    }
  });
});
