/** The book of what a run costs. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { addCost, type Cost, noCost } from "../../engine.ts";

/** Books what is paid as it is paid, work that had to be done again included. */
export function spending(directory: string, about: Record<string, unknown>): (cost: Cost) => void {
  return (cost) => {
    if (cost.calls === 0) return;
    appendFileSync(join(directory, "cost.jsonl"), `${JSON.stringify({ ...about, ...cost })}\n`);
  };
}

/** Everything a run has cost so far. */
export function totalCost(directory: string): Cost {
  const path = join(directory, "cost.jsonl");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const spent = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Cost];
    } catch {
      return []; // cut short by a kill
    }
  });
  return spent.reduce(addCost, noCost);
}
