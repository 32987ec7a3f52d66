/**
 * Soak tests, asked for by name: `npm run soak`, or `npm run soak -- kills fuzz --inputs 20000 --seed 7`.
 *
 * Prints what happens and a row a kind on standard error, then one table on standard output. The exit code is 1 if
 * anything was lost, twice, died, hung or went wrong.
 */
import { parseArgs } from "node:util";
import { rot } from "./bit-rot.ts";
import { faultRuns } from "./faults.ts";
import { fuzz } from "./fuzz.ts";
import { kills } from "./kills.ts";
import { isClean, type SoakRow, summed, tableOf } from "./table.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "soak" },
    inputs: { type: "string", default: "10000" },
    kills: { type: "string", default: "1000" },
    copies: { type: "string", default: "240" },
  },
});
const { seed } = values;

const kinds: Record<string, () => Promise<SoakRow[]>> = {
  kills: () => kills(Number(values.kills), seed, undefined, log),
  fuzz: () => fuzz(Number(values.inputs), seed, log),
  "bit-rot": () => rot(Number(values.copies), seed, log),
  endpoint: () => faultRuns(undefined, log),
};

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

const unknown = positionals.filter((name) => !Object.hasOwn(kinds, name));
if (unknown.length > 0)
  throw new Error(`Expected ${Object.keys(kinds).join(", ")}, got ${unknown.join(", ")}`);

log(`seed ${seed}`);
const rows: SoakRow[] = [];
for (const [name, run] of Object.entries(kinds)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  rows.push(...(await run()));
  log(`${name} done`);
}
log(tableOf(rows));
for (const { kind, wrong } of rows) for (const line of wrong) log(`${kind}: ${line}`);
process.stdout.write(`${tableOf(summed(rows))}\n`);
process.exitCode = rows.every(isClean) ? 0 : 1;
