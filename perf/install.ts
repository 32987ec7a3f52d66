/**
 * What the package costs before it does anything: megabytes of an install, and the time and memory of importing it.
 *
 * Packs the checkout and installs the tarball into an empty project, as a user would, without the optional parts. A
 * process that imports the library is compared with one that imports nothing; the median of ten pairs, taken in turn.
 *
 * `node perf/install.ts`
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { bytesOnDisk, type Consumer, installedPackage, succeeded } from "../test/support/consumer.ts";
import { printTable } from "./markdown.ts";

const pairs = 10;

interface Reading {
  readonly ms: number;
  readonly bytes: number;
}

/** Wall time of a whole process, and its resident size when the script has run. */
async function read(consumer: Consumer, script: string): Promise<Reading> {
  const began = performance.now();
  const print = "console.log(process.memoryUsage.rss());";
  const { stdout } = succeeded(
    await consumer.run("node", ["--input-type=module", "-e", `${script};${print}`]),
  );
  return { ms: performance.now() - began, bytes: Number(stdout) };
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const consumer = await installedPackage();
if (consumer === null) throw new Error("The package registry cannot be reached");

const modules = join(consumer.directory, "node_modules");
const packages = readdirSync(modules).flatMap((name) =>
  name.startsWith("@") ? readdirSync(join(modules, name)).map((part) => `${name}/${part}`) : [name],
);
const sizes = packages
  .filter((name) => !name.startsWith(".") && existsSync(join(modules, name, "package.json")))
  .map((name) => ({ name, megabytes: bytesOnDisk(join(modules, name)) / 1e6 }))
  .toSorted((a, b) => b.megabytes - a.megabytes);
const sizeRow = printTable("installed", "MB");
sizeRow("all", (bytesOnDisk(modules) / 1e6).toFixed(1));
for (const { name, megabytes } of sizes) if (megabytes >= 1) sizeRow(`\`${name}\``, megabytes.toFixed(1));
console.log();

const imports = { nothing: "", taskmem: 'await import("taskmem")' };
const readings: Record<keyof typeof imports, Reading[]> = { nothing: [], taskmem: [] };
for (let i = 0; i < pairs; i++) {
  readings.nothing.push(await read(consumer, imports.nothing));
  readings.taskmem.push(await read(consumer, imports.taskmem));
}
const importRow = printTable("a process that imports", "ms", "ratio", "MB resident", "ratio");
const base = {
  ms: median(readings.nothing.map(({ ms }) => ms)),
  bytes: median(readings.nothing.map(({ bytes }) => bytes)),
};
for (const [name, taken] of Object.entries(readings)) {
  const ms = median(taken.map((reading) => reading.ms));
  const bytes = median(taken.map((reading) => reading.bytes));
  importRow(
    name,
    ms.toFixed(0),
    (ms / base.ms).toFixed(2),
    (bytes / 1e6).toFixed(0),
    (bytes / base.bytes).toFixed(2),
  );
}
consumer.remove();
