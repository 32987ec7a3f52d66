/**
 * A process that reads damaged inputs: `node fuzz-child.ts <folder> <seed> <from> <to>`.
 *
 * Input n goes to parser n modulo their number. A line is written before each input (`n`), and one after it: `ok`, `refused` or
 * `wrong <reason>`, each with the
 * memory of the process in KiB if it was never higher, otherwise 0.
 */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isTaskMemError } from "../../src/errors.ts";
import { emptyFolder, inputRandom, parsers } from "./parsers.ts";

const [folder, seed, from, to] = process.argv.slice(2) as [string, string, string, string];
const say = (line: string) => writeSync(1, `${line}\n`);

process.on("unhandledRejection", (reason) => {
  say(`wrong outside of the reading: ${shortly(reason)}\t0`);
  process.exit(1);
});

const all = await parsers(emptyFolder(join(folder, "seeds")));
for (let n = Number(from); n < Number(to); n++) {
  const parser = all[n % all.length]!;
  const bytes = parser.input(inputRandom(seed, n));
  const path = join(emptyFolder(join(folder, "input")), parser.file);
  writeFileSync(path, bytes);
  say(`${n}`);
  const before = process.resourceUsage().maxRSS;
  const said = await outcome(() => parser.read(path, bytes));
  const highest = process.resourceUsage().maxRSS;
  say(`${said}\t${highest > before ? highest : 0}`);
}

async function outcome(read: () => unknown): Promise<string> {
  try {
    await read();
  } catch (error) {
    return isTaskMemError(error) ? "refused" : `wrong ${shortly(error)}`;
  }
  return "polluted" in {} ? "wrong: the prototype of objects was changed" : "ok";
}

/** Kind and place of an error, on one line. */
function shortly(error: unknown): string {
  const { message = String(error), stack = "" } = error as Error;
  const place = /(src\/[^\s)]+)/.exec(stack)?.[1] ?? "";
  return `${message.slice(0, 160)} ${place}`.replace(/\s+/g, " ");
}
