/** Pictures of a memory in Postgres that are objects of a bucket. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import pg from "pg";
import { bucketName, testBucket } from "../../../test/support/bucket.ts";
import {
  addTestStream,
  frameOf,
  observationOf,
  remember,
  temporaryFolder,
} from "../../../test/support/memory.ts";
import { testPostgres } from "../../../test/support/postgres.ts";
import { rowsOf } from "../../../test/support/store.ts";
import { localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { isTaskMemError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { exportMemory, importMemory } from "../export.ts";
import { openPlace } from "../place.ts";
import { dropPostgresMemory } from "./postgres.ts";

const server = await testPostgres();
const bucket = "skip" in server ? server : await testBucket();
const skip = "skip" in bucket && bucket.skip;
const folder = temporaryFolder("bucket");
const writer = join(import.meta.dirname, "../../../test/support/remember-forever.ts");

const open = (url: string) => openPlace(url, { words: wordSpace, embedder: localEmbedder, now: Date.now });
const code = (name: string) => (error: unknown) => isTaskMemError(error) && error.code === name;
const urlOf = (space: string, place = `s3://${bucketName}/house`) =>
  "skip" in server || "skip" in bucket
    ? ""
    : `${server.url(space)}&blobs=${place}&blobs-endpoint=${encodeURIComponent(bucket.endpoint)}`;

/** A memory of three clips, each with a picture of its own and one that all show. */
async function filled(url: string) {
  const memory = await open(url);
  await addTestStream(memory, "kitchen");
  for (let clip = 0; clip < 3; clip++)
    await remember(memory, "kitchen", clip, [`Ann: cup ${clip}`, `Bob: plate ${clip}`], {
      frames: [frameOf(clip, `picture ${clip}`), { ...frameOf(clip, "wall"), atSeconds: clip * 10 + 2 }],
    });
  return memory;
}

/** Rows of a space, read or changed behind the memory's back. */
async function rawly<Row>(space: string, text: string): Promise<Row[]> {
  if ("skip" in server) return [];
  const client = new pg.Client({ connectionString: server.address });
  await client.connect();
  const { rows } = await client
    .query(`set search_path = "taskmem_${space}"; ${text}`)
    .then((all) => [all].flat().at(-1)!);
  await client.end();
  return rows;
}

const keysIn = async (space: string, table: string) =>
  (await rawly<{ key: string }>(space, `select key from ${table} order by key`)).map(
    ({ key }) => `house/${space}/${key}`,
  );

async function objectsOf(space: string): Promise<string[]> {
  if ("skip" in bucket) return [];
  return (await bucket.keys()).filter((key) => key.startsWith(`house/${space}/`)).sort();
}

test("pictures are objects, read from anywhere, moved with the memory, and gone with what is forgotten", {
  skip,
}, async () => {
  const memory = await filled(urlOf("kept"));
  assert.equal((await objectsOf("kept")).length, 4, "one for each picture");
  assert.deepEqual(await objectsOf("kept"), await keysIn("kept", "blob_object"));
  assert.deepEqual(await keysIn("kept", "loose_object"), []);
  assert.deepEqual(await rawly("kept", "select 1 from blob_bytes"), []);
  const other = await open(urlOf("kept").replace(/&blobs=.*/, ""));
  assert.deepEqual(
    Buffer.from((await other.blob(sha256(Buffer.from("picture 1"))))!).toString(),
    "picture 1",
  );
  assert.deepEqual(await other.check(), []);
  await other.close();

  const exported = join(folder, "export");
  assert.equal((await exportMemory(memory, exported)).blobs, 4);
  const disk = await open(join(folder, "disk"));
  assert.equal((await importMemory(exported, disk)).blobs, 4);
  const back = await open(urlOf("back"));
  assert.equal((await importMemory(exported, back)).blobs, 4);
  for (const one of [disk, back]) {
    assert.deepEqual(await rowsOf(one), await rowsOf(memory));
    assert.deepEqual(await one.check(), []);
    await one.close();
  }

  const [first] = await memory.entries();
  const report = await memory.forget({ streams: ["kitchen"], toSeconds: 10 });
  assert.deepEqual([report.blobs, report.blobBytes], [1, "picture 0".length]);
  assert.equal(await memory.blob(first!.evidence.frames[0]!.hash), null);
  assert.equal((await objectsOf("kept")).length, 3);
  assert.deepEqual(await memory.check(), []);
  await memory.close();
  assert.equal(await dropPostgresMemory(urlOf("kept")), true);
  assert.deepEqual(await objectsOf("kept"), []);
  assert.equal((await objectsOf("back")).length, 4, "another space keeps its own");
});

test("a picture that is gone is told, and what waits with it is not lost", { skip }, async () => {
  if ("skip" in bucket) return;
  const memory = await open(urlOf("gone"));
  await addTestStream(memory, "kitchen");
  for (const clip of [0, 1])
    await memory.addObservation(
      observationOf("kitchen", clip, { frames: [frameOf(clip, `picture ${clip}`)] }),
    );
  const gone = sha256(Buffer.from("picture 0"));
  await bucket.remove((await objectsOf("gone")).find((key) => key.includes(gone))!);
  assert.equal(await memory.blob(gone), null);
  assert.deepEqual(await memory.check(), [`The blob ${gone} is missing.`]);
  const { pending } = await memory.progress("kitchen", 5);
  assert.throws(() => pending[0]!.frames[0]!.jpeg, code("blob-missing"));
  assert.equal(Buffer.from(pending[1]!.frames[0]!.jpeg).toString(), "picture 1");
  await memory.close();
});

/** Runs the writer, kills it some time after its first commit, and returns how many clips it acknowledged. */
async function killed(url: string): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [writer, url, "camera"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = "";
  child.stdout!.on("data", (bytes) => {
    told += bytes;
    if (told.split("\n").length > 3) child.kill("SIGKILL");
  });
  await once(child, "close");
  return told.trim().split("\n").length;
}

test("what was acknowledged has its picture after kill -9, and what a kill left is swept", {
  skip,
}, async () => {
  const url = urlOf("killed");
  let clips = 0;
  for (let kill = 0; kill < 2; kill++) clips += await killed(url);
  const memory = await open(url);
  assert.ok((await memory.entries()).length >= 2 * clips);
  assert.deepEqual(await memory.check(), []);
  await memory.close();
  // As a process that was killed between an object and its row leaves it.
  await rawly(
    "killed",
    `insert into loose_object select key, now() from blob_object limit 1;
     delete from blob_object where key in (select key from loose_object)`,
  );
  const loose = await keysIn("killed", "loose_object");
  await (await open(url)).close();
  assert.deepEqual(await keysIn("killed", "loose_object"), loose, "it may be being written");
  await rawly("killed", "update loose_object set since = 'epoch'");
  await (await open(url)).close();
  assert.deepEqual(await keysIn("killed", "loose_object"), []);
  assert.deepEqual(await objectsOf("killed"), await keysIn("killed", "blob_object"));
});

test("another place, no key, a wrong key and a bucket that is not there are told", { skip }, async () => {
  const memory = await filled(urlOf("told"));
  await memory.close();
  await assert.rejects(open(urlOf("told", "s3://pictures/other")), code("blobs-elsewhere"));
  await assert.rejects(open(urlOf("new", "s3://no-bucket/house")), code("blobs-refused"));
  await assert.rejects(open(urlOf("new", "s3:/pictures")), code("memory-url-invalid"));
  const { AWS_SECRET_ACCESS_KEY: secret } = process.env;
  process.env.AWS_SECRET_ACCESS_KEY = `${secret}x`;
  await assert.rejects(open(urlOf("new")), code("blobs-refused"));
  delete process.env.AWS_SECRET_ACCESS_KEY;
  await assert.rejects(open(urlOf("new")), code("blobs-key-missing"));
  process.env.AWS_SECRET_ACCESS_KEY = secret;
});

test("while the bucket is down, memory answers; a forget says what it could not delete, and a later one does", {
  skip,
}, async () => {
  if ("skip" in bucket) return;
  const memory = await filled(urlOf("down"));
  await bucket.stop();
  const again = await open(urlOf("down"));
  const [cup] = await again.recall({ text: "Where is cup 1?" });
  assert.match(cup!.entry.text, /cup 1/);
  await assert.rejects(again.blob(cup!.entry.evidence.frames[0]!.hash), code("blobs-unreachable"));
  await assert.rejects(memory.forget({ streams: ["kitchen"], toSeconds: 10 }), (error) => {
    return (
      code("blobs-unreachable")(error) && /are forgotten, but their pictures/.test((error as Error).message)
    );
  });
  assert.equal((await memory.entries()).length, 4);
  assert.equal((await keysIn("down", "loose_object")).length, 1, "its key waits for the next sweep");
  for (const one of [memory, again]) await one.close();
});
