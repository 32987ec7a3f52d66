import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  openTestMemory,
  rawDatabase,
  remember,
  statementOf,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { DataError, StoreError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import { exportMemory, exportRows, importMemory } from "./export.ts";
import type { Memory, MemoryRow } from "./memory.ts";
import type { StoredMemory } from "./stored-memory.ts";

const folder = temporaryFolder("export");
let opened = 0;
const newDirectory = () => join(folder, String(opened++));

/** Two streams with one of everything: closed entries, failures, gaps, pending clips, frames shared by clips. */
async function household(): Promise<StoredMemory> {
  const memory = await openTestMemory(newDirectory());
  await addTestStream(memory, "kitchen");
  await memory.addStream({
    id: "hall",
    description: "rtsp://hall",
    clipSeconds: 10,
    clock: { kind: "wall", originMs: 1_700_000_000_000 },
    fingerprint: null,
  });
  const shared = frameOf(0, "the empty table");
  for (let clip = 0; clip < 8; clip++) {
    await remember(
      memory,
      "kitchen",
      clip,
      [`Ann: kettle number ${clip}`, `“Quoted”, 茶 and\ttabs ${clip}`],
      {
        frames: [{ ...shared, atSeconds: clip * 10 }, frameOf(clip, `picture ${clip}`)],
      },
    );
    await remember(memory, "hall", clip, clip % 2 ? [`Bob: door ${clip}`] : []);
  }
  await memory.addObservation(observationOf("kitchen", 8));
  await memory.commit(
    decisionOf("kitchen", [statementOf(8, "Ann lives here", { kind: "semantic" })], { revision: "engine@2" }),
  );
  const [first, second] = await memory.entries({ streams: ["kitchen"] });
  await memory.closeEntry(first!.id, "it was replaced", second!.id);
  await memory.addObservation(observationOf("hall", 8, { frames: [frameOf(8, "a stranger")] }));
  await memory.addObservation(observationOf("hall", 9));
  await memory.failClip("hall", 9, { code: "engine-down", message: "no answer", retryable: true });
  await memory.addGap({
    kind: "gap",
    stream: "hall",
    startSeconds: 100,
    endSeconds: 140.5,
    reason: "source-down",
    detail: "The camera was off.",
  });
  const file = { id: "head", name: "late.mp4", startSeconds: -20, bytes: 9, whole: true, watchedSeconds: 10 };
  for (const clip of [7, -2]) {
    await memory.addObservation(observationOf("kitchen", clip), [file]);
    await memory.commit(decisionOf("kitchen", [statementOf(clip, `Late file, clip ${clip}`)]));
  }
  await memory.endStream("kitchen");
  await memory.addTask({
    id: "task_1",
    askedAtMs: 1,
    asOfSeconds: null,
    stream: "kitchen",
    question: { text: "Which kettle?", options: [] },
    answer: "number 3",
    option: null,
    abstained: false,
    citations: [second!.id],
    reader: "lexical",
  });
  await memory.addFeedback("task_1", { atMs: 2, verdict: "right", correction: null });
  return memory;
}

/** Every file below a folder with its bytes. */
function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    names.sort().map((name) => [name.slice(directory.length), readFileSync(name).toString("base64")]),
  );
}

async function rowsOf(memory: Memory): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of exportRows(memory)) rows.push(row);
  return rows;
}

describe("an export", () => {
  test("read into an empty memory and exported again gives the same bytes", async () => {
    const memory = await household();
    const [first, second] = [newDirectory(), newDirectory()];
    const written = await exportMemory(memory, first);
    const copy = await openTestMemory(newDirectory());
    const { rows, blobs, skipped } = await importMemory(first, copy);
    assert.deepEqual(
      { rows: rows + 1, blobs, skipped },
      { ...written, skipped: 0 },
      "all rows but the header",
    );
    assert.deepEqual(await exportMemory(copy, second), written);
    assert.deepEqual(contents(second), contents(first));
    await memory.close();
    await copy.close();
  });

  test("keeps everything: entries, recall, journal, policy state, tasks, gaps", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    const copy = await openTestMemory(newDirectory());
    await importMemory(directory, copy);
    const state = async (of: Memory) => ({
      streams: await of.streams(),
      entries: await of.entries({ includeClosed: true }),
      recalled: await of.recall({ text: "the kettle number three", nearSeconds: 35, aboutSpeakers: ["Ann"] }),
      gaps: await of.gaps(),
      tasks: await of.tasks(),
      failures: await of.clipFailures(),
      kitchen: await of.policyState("choice", "kitchen"),
      hall: await of.policyState("choice", "hall"),
      progress: JSON.stringify(await Promise.all(["kitchen", "hall"].map((id) => of.progress(id, 5)))),
      check: await of.check(),
    });
    assert.deepEqual(await state(copy), await state(memory));
    const counts = async (of: Memory) => ({ ...(await of.stats()), databaseBytes: 0 });
    assert.deepEqual(await counts(copy), await counts(memory));
    await memory.close();
    await copy.close();
  });

  test("holds a blob for every frame that is kept, under its hash", async () => {
    const memory = await household();
    const directory = newDirectory();
    const { blobs } = await exportMemory(memory, directory);
    assert.equal(blobs, (await memory.stats()).blobs);
    const files = [...contents(join(directory, "blobs"))];
    assert.equal(files.length, blobs);
    for (const [name, base64] of files) {
      const hash = sha256(Buffer.from(base64, "base64"));
      assert.equal(name, join("/", hash.slice(0, 2), hash));
    }
    await memory.close();
  });

  test("replaces an earlier one, without what was forgotten since", async () => {
    const memory = await household();
    const directory = newDirectory();
    const before = await exportMemory(memory, directory);
    await memory.forget({ streams: ["kitchen"] });
    const after = await exportMemory(memory, directory);
    assert.ok(after.rows < before.rows && after.blobs < before.blobs);
    assert.equal([...contents(join(directory, "blobs"))].length, after.blobs);
    assert.doesNotMatch(readFileSync(join(directory, "memory.jsonl"), "utf8"), /kettle/);
    await memory.close();
  });

  test("is refused where the directory holds anything else, which stays as it is", async () => {
    const memory = await household();
    const directory = newDirectory();
    mkdirSync(directory);
    const file = join(directory, "photo.jpg");
    writeFileSync(file, "mine");
    for (const target of [directory, file, memory.directory]) {
      await assert.rejects(
        exportMemory(memory, target),
        (error: unknown) => error instanceof DataError && error.code === "export-target",
      );
    }
    assert.deepEqual(readdirSync(directory), ["photo.jpg"]);
    await memory.close();
  });

  test("shows the memory as of one moment while it is written to", async () => {
    const memory = await household();
    const expected = await rowsOf(memory);
    const rows: unknown[] = [];
    let clip = 20;
    for await (const row of exportRows(memory)) {
      rows.push(row);
      if (row.row !== "header" && clip < 25) await remember(memory, "hall", clip++, ["Something new"]);
    }
    assert.deepEqual(rows, expected);
    await memory.close();
  });
});

describe("an import", () => {
  test("skips what is already there, and adds what is new", async () => {
    const memory = await household();
    const directory = newDirectory();
    const written = await exportMemory(memory, directory);
    const copy = await openTestMemory(newDirectory());
    await importMemory(directory, copy);
    const known = await rowsOf(copy);
    assert.deepEqual(await importMemory(directory, copy), {
      ...{ rows: 0, blobs: 0, skipped: written.rows - 1, forgotten: 0 },
    });
    assert.deepEqual(await rowsOf(copy), known);
    const words = await copy.policyState("choice", "kitchen");

    await remember(memory, "kitchen", 9, ["Ann: one more kettle"], { frames: [frameOf(9, "new picture")] });
    await memory.closeEntry((await memory.entries({ streams: ["hall"] }))[0]!.id, "the door went");
    await exportMemory(memory, directory);
    const more = await importMemory(directory, copy);
    // the stream got further; clip, decision and entry are new; one entry was closed
    assert.deepEqual([more.rows, more.blobs], [5, 1]);
    const list = (of: Memory) => of.entries({ includeClosed: true });
    assert.deepEqual(await list(copy), await list(memory));
    const wordsNow = await copy.policyState("choice", "kitchen");
    assert.equal(wordsNow.words.get("kettl"), words.words.get("kettl")! + 1);
    assert.deepEqual(await copy.check(), []);
    await memory.close();
    await copy.close();
  });

  test("includes the pictures that policies are compared on", async () => {
    const memory = await household();
    await remember(memory, "kitchen", 9, [], { frames: [frameOf(9, "nothing to write of")] });
    const directory = newDirectory();
    await exportMemory(memory, directory);
    const copy = await openTestMemory(newDirectory());
    await importMemory(directory, copy);
    const pictures = async (of: Memory) =>
      (await of.observations("kitchen")).map(({ clip, frames }) => [
        clip,
        ...frames.map(({ jpeg }) => Buffer.from(jpeg).toString()),
      ]);
    assert.deepEqual(await pictures(copy), await pictures(memory));
    assert.deepEqual((await pictures(copy)).at(-1), [9, "nothing to write of"]);
    await memory.close();
    await copy.close();
  });

  test("adds to a memory with other content", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    const other = await openTestMemory(newDirectory());
    await addTestStream(other, "garden");
    await remember(other, "garden", 0, ["Carla: the roses bloom"]);
    await importMemory(directory, other);
    const count = (await memory.entries({ includeClosed: true })).length;
    assert.equal((await other.entries({ includeClosed: true })).length, count + 1);
    assert.equal((await other.recall({ text: "roses" }))[0]!.entry.stream, "garden");
    assert.deepEqual(await other.check(), []);
    await memory.close();
    await other.close();
  });

  test("of the file alone keeps entries with the hashes of their frames", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    const copy = await openTestMemory(newDirectory());
    const report = await importMemory(join(directory, "memory.jsonl"), copy);
    assert.equal(report.blobs, 0);
    const entries = await copy.entries({ includeClosed: true });
    assert.deepEqual(entries, await memory.entries({ includeClosed: true }));
    const hash = entries.flatMap(({ evidence }) => evidence.frames)[0]!.hash;
    assert.equal(await copy.blob(hash), null);
    assert.deepEqual(await copy.check(), []);
    await memory.close();
    await copy.close();
  });

  test("of a broken row names its line and leaves the memory as it was", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    await memory.close();
    const file = join(directory, "memory.jsonl");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const rows = lines.map((line) => JSON.parse(line) as MemoryRow);
    const at = (name: MemoryRow["row"]) => rows.findLastIndex(({ row }) => row === name);
    const entry = rows[at("entry")] as Extract<MemoryRow, { row: "entry" }>;
    const put = (index: number, line: string) => lines.with(index, line);
    const broken: [string, readonly string[], number][] = [
      ["cut short", put(lines.length - 1, lines.at(-1)!.slice(0, -20)), lines.length],
      ["no JSON", put(at("task"), "not json"), at("task") + 1],
      ["of no kind", put(3, '{"row":"other"}'), 4],
      ["without a text", put(at("entry"), JSON.stringify({ ...entry, text: 5 })), at("entry") + 1],
      [
        "of an unknown stream",
        put(at("entry"), JSON.stringify({ ...entry, stream: "attic" })),
        at("entry") + 1,
      ],
      ["another of that id", [...lines, JSON.stringify({ ...entry, text: "else" })], lines.length + 1],
    ];
    const copy = await openTestMemory(newDirectory());
    await addTestStream(copy, "garden");
    await remember(copy, "garden", 0, ["Carla: the roses bloom"], { frames: [frameOf(0, "roses")] });
    const known = await rowsOf(copy);
    for (const [what, changed, line] of broken) {
      writeFileSync(file, `${changed.join("\n")}\n`);
      await assert.rejects(importMemory(directory, copy), (error: unknown) => {
        assert.ok(error instanceof DataError, what);
        assert.equal(error.details.line, line, what);
        assert.match(error.message, new RegExp(`line ${line}\\b`), what);
        return true;
      });
      assert.deepEqual(await rowsOf(copy), known, what);
      assert.deepEqual(await copy.check(), [], what);
      assert.equal(contents(join(copy.directory, "blobs")).size, 1, what);
    }
    await copy.close();
  });

  test("leaves out what was forgotten, also in a memory that only read the list, and tells", async () => {
    const memory = await household();
    const [before, after] = [newDirectory(), newDirectory()];
    await exportMemory(memory, before);
    const count = (await memory.entries()).length;
    await memory.forget({ person: "Bob" });
    const left = await memory.entries();
    assert.ok(left.length < count);
    const { forgotten } = await importMemory(before, memory);
    assert.ok(forgotten > 0);
    assert.deepEqual(await memory.entries(), left);
    await exportMemory(memory, after);
    const copy = await openTestMemory(newDirectory());
    assert.equal((await importMemory(after, copy)).forgotten, 0);
    assert.equal((await importMemory(before, copy)).forgotten, forgotten);
    assert.deepEqual(await copy.entries(), left);
    assert.equal((await importMemory(before, copy, { forgotten: true })).forgotten, 0);
    assert.equal((await copy.entries()).length, count);
    const list = readFileSync(join(after, "memory.jsonl"), "utf8");
    writeFileSync(join(after, "memory.jsonl"), list.replace(/"hashes":\["[0-9a-f]{16}"/, '"hashes":["Bob"'));
    await assert.rejects(importMemory(after, copy), (error: unknown) => {
      return error instanceof DataError && error.code === "row-malformed";
    });
    await memory.close();
    await copy.close();
  });

  test("of something else is refused", async () => {
    const copy = await openTestMemory(newDirectory());
    const directory = newDirectory();
    mkdirSync(directory);
    const file = join(directory, "memory.jsonl");
    const refused = (code: string) =>
      assert.rejects(
        importMemory(directory, copy),
        (error: unknown) => error instanceof DataError && error.code === code,
      );
    await refused("import-missing");
    for (const [text, code] of [
      ["", "export-format"],
      ['{"row":"header","format":"other","version":1}\n', "export-format"],
      ['{"row":"header","format":"taskmem-memory","version":99}\n', "export-version"],
      ["\u0000\u0001binary", "row-malformed"],
    ] as const) {
      writeFileSync(file, text);
      await refused(code);
    }
    assert.equal((await copy.stats()).streams, 0);
    await copy.close();
  });

  test("of a damaged blob names the line that needs it and adds nothing", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    await memory.close();
    const [name] = contents(join(directory, "blobs")).keys();
    appendFileSync(join(directory, "blobs", name!), "more");
    const copy = await openTestMemory(newDirectory());
    await assert.rejects(
      importMemory(directory, copy),
      (error: unknown) =>
        error instanceof DataError && error.code === "blob-damaged" && typeof error.details.line === "number",
    );
    assert.equal((await copy.stats()).streams, 0);
    const blobs = join(copy.directory, "blobs");
    assert.ok(!existsSync(blobs) || contents(blobs).size === 0, "blobs already copied are deleted");
    await copy.close();
  });

  test("of another stream of the same name is refused", async () => {
    const memory = await household();
    const directory = newDirectory();
    await exportMemory(memory, directory);
    const other = await openTestMemory(newDirectory());
    await other.addStream({
      id: "kitchen",
      description: "another kitchen",
      clipSeconds: 10,
      clock: { kind: "media" },
      fingerprint: "another",
    });
    await assert.rejects(
      importMemory(directory, other),
      (error: unknown) =>
        error instanceof DataError && error.code === "row-conflict" && error.details.line === 2,
    );
    rmSync(directory, { recursive: true });
    await memory.close();
    await other.close();
  });
});

describe("an export of a damaged memory", () => {
  /** Writes something that is not JSON into one row. */
  function damage(directory: string, change: string): void {
    const raw = rawDatabase(directory);
    raw.exec(change);
    raw.close();
  }
  const damages = {
    "the evidence of an entry": "update entry set evidence = '{' where row = (select max(row) from entry)",
    "the failure of a clip": "update clip set failure = '{\"code\"' where failure is not null",
    "a question": "update task set value = '' || value || '}'",
  };

  for (const [what, change] of Object.entries(damages)) {
    test(`says that ${what} is damaged, and leaves nothing in the place of the export`, async () => {
      const memory = await household();
      damage(memory.directory, change);
      const target = newDirectory();
      await assert.rejects(exportMemory(memory, target), (error: unknown) => {
        assert.ok(error instanceof StoreError && error.code === "store-corrupt", String(error));
        return !error.message.includes(target);
      });
      assert.ok(!existsSync(target));
      await memory.close();
    });
  }

  test("keeps an earlier export with its pictures, and adds none", async () => {
    const memory = await household();
    const target = newDirectory();
    await exportMemory(memory, target);
    const before = filesBelow(target);
    await remember(memory, "kitchen", 9, ["Ann: a new picture"], { frames: [frameOf(9, "new")] });
    damage(memory.directory, damages["a question"]);
    await assert.rejects(exportMemory(memory, target), StoreError);
    assert.deepEqual(filesBelow(target), before);
    await memory.close();
  });
});

/** Content of every file below a folder. */
function filesBelow(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), "latin1"),
    ]),
  );
}
