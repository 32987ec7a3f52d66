/** The package as its users get it: packed, installed into an empty project, run on the newest and the oldest Node. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { root } from "./support/built.ts";
import {
  bytesOnDisk,
  type Consumer,
  installedPackage,
  oldNode,
  packageJson,
  succeeded,
} from "./support/consumer.ts";

const { version, exports, peerDependencies } = packageJson();
const entries = Object.keys(exports).filter((path) => path !== "./package.json");
const optional = Object.keys(peerDependencies);
const mostBytes = 80e6;

let consumer: Consumer | null = null;

before(async () => {
  consumer = await installedPackage();
});
after(() => consumer?.remove());

/** A test of the installed package, skipped where there is none. */
function installedTest(name: string, body: (consumer: Consumer, t: TestContext) => Promise<void>) {
  test(name, async (t) => {
    if (consumer === null) t.skip("the package registry cannot be reached");
    else await body(consumer, t);
  });
}

describe("the package, installed", () => {
  installedTest("takes at most 80 MB", async ({ directory }) => {
    const bytes = bytesOnDisk(join(directory, "node_modules"));
    assert.ok(bytes < mostBytes, `${(bytes / 1e6).toFixed(1)} MB`);
  });

  for (const which of ["the repository's Node", "the oldest Node it allows"]) {
    installedTest(`watches and answers in an empty folder, on ${which}`, async (consumer, t) => {
      const node = which === "the repository's Node" ? process.execPath : await oldNode();
      if (node === null) return t.skip("the package registry cannot be reached");
      const memory = `memory-${node === process.execPath ? "new" : "old"}`;
      consumer.write("talk.srt", subtitles);
      const taskmem = async (...args: string[]) =>
        succeeded(await consumer.run("npx", ["--no-install", "taskmem", ...args], node)).stdout;
      assert.equal((await taskmem("--version")).trim(), version);
      await taskmem("watch", "talk.srt", "--memory", memory);
      const [answer] = (await taskmem("ask", "When is the deadline?", "--memory", memory, "--json")).split(
        "\n",
      );
      assert.match(JSON.parse(answer!).answer, /Friday at noon/);
    });

    installedTest(`gives every entry its names, on ${which}`, async (consumer, t) => {
      const node = which === "the repository's Node" ? process.execPath : await oldNode();
      if (node === null) return t.skip("the package registry cannot be reached");
      const asked = entries.map((entry) => `taskmem${entry.slice(1)}`);
      consumer.write("entries.mjs", importEach(asked));
      const imported = JSON.parse(succeeded(await consumer.run("node", ["entries.mjs"], node)).stdout);
      for (const entry of asked) {
        const { names, error } = imported[entry];
        if (error === undefined) assert.ok(names > 0, entry);
        else assert.match(error, /^package-missing: .*: npm install @[\w/-]+@\d+\.\d+\.\d+$/, entry);
      }
      const missing = asked.filter((entry) => imported[entry].error !== undefined);
      const standOnOptional = ["taskmem/policies/nano", "taskmem/engines/nano", "taskmem/household"];
      assert.deepEqual(missing, standOnOptional);
    });
  }

  installedTest("loads neither the store nor the schemas to be imported", async (consumer) => {
    consumer.write("loaded.mjs", listLoaded);
    const loaded: string[] = JSON.parse(succeeded(await consumer.run("node", ["loaded.mjs"])).stdout);
    const heavy = ["better-sqlite3", "sqlite-vec", "kysely", "zod", "@napi-rs/canvas", "@jax-js/jax"];
    assert.ok(loaded.includes("taskmem"));
    assert.deepEqual(
      loaded.filter((name) => heavy.includes(name)),
      [],
    );
  });

  installedTest("says on the command line which optional part a command lacks", async (consumer) => {
    const { code, stderr } = await consumer.run("npx", ["--no-install", "taskmem", "demo"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^taskmem: @\S+ is needed .* and is not installed: npm install @\S+@\d+\.\d+\.\d+$/m,
    );
  });

  installedTest("names in doctor what is not installed, and what it would be for", async (consumer) => {
    const { stdout } = await consumer.run("npx", ["--no-install", "taskmem", "doctor", "--json"]);
    const checks = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const name of optional) {
      const { state, fix } = checks.find(({ check }) => check === name);
      assert.equal(state, "missing");
      assert.match(fix, new RegExp(`^npm install ${name}@\\d`));
    }
  });

  for (const skipLibCheck of [true, false]) {
    installedTest(`types the README's library example, skipLibCheck ${skipLibCheck}`, async (consumer) => {
      consumer.write("example.ts", readmeExample());
      consumer.write("tsconfig.json", JSON.stringify({ compilerOptions: { ...strict, skipLibCheck } }));
      const compiler = join(root, "node_modules/typescript/bin/tsc");
      const { code, stdout } = await consumer.run("node", [compiler, "-p", "."]);
      assert.equal(stdout, "");
      assert.equal(code, 0);
    });
  }

  installedTest("holds, in each of its maps, the sources that it names", async ({ directory }) => {
    const dist = join(directory, "node_modules/taskmem/dist");
    const maps = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".map"),
    );
    assert.ok(maps.length > 100);
    const absent = maps.flatMap((map) => {
      const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(dist, map), "utf8")) as {
        sources: string[];
        sourcesContent?: (string | null)[];
      };
      return sources.filter((_, i) => !sourcesContent[i]);
    });
    assert.deepEqual(absent, []);
  });

  installedTest("works with its optional parts once they are there", async (consumer) => {
    consumer.addFromRepository(optional);
    consumer.write("entries.mjs", importEach(entries.map((entry) => `taskmem${entry.slice(1)}`)));
    const imported = JSON.parse(succeeded(await consumer.run("node", ["entries.mjs"])).stdout);
    assert.deepEqual(
      Object.keys(imported).filter((entry) => !(imported[entry].names > 0)),
      [],
    );
  });
});

const subtitles = `1
00:00:01,000 --> 00:00:04,000
Mira: The report is due on Friday at noon.

2
00:00:12,000 --> 00:00:15,000
Tomas: The deadline is Friday at noon, then.
`;

/** The first TypeScript block of the README. */
function readmeExample(): string {
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"));
  assert.ok(block, "the README has a library example");
  return block[1]!;
}

const strict = { strict: true, module: "nodenext", target: "es2024", noEmit: true, types: [] };

/** Prints for each entry how many names it exports, or the error of a part that is missing. */
const importEach = (specifiers: readonly string[]) => `
const imported = {};
for (const entry of ${JSON.stringify(specifiers)}) {
  imported[entry] = await import(entry).then(
    (module) => ({ names: Object.keys(module).length }),
    (error) => ({ error: \`\${error.code}: \${error.message}\` }),
  );
}
console.log(JSON.stringify(imported));
`;

/** Prints the packages that importing the library loads. */
const listLoaded = `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const name = /^.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
    if (name) packages.add(name);
    return next(url, context);
  },
});
await import("taskmem");
console.log(JSON.stringify([...packages]));
`;
