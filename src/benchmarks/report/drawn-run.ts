/**
 * Runs that wrote their own tables: the household's, and those on EgoLife's texts. What is read of their folders is these
 * tables as they stand, and plots.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { DataError } from "../../errors.ts";
import type { Plot } from "../../util/plots.ts";
import { drawText } from "../datasets/egolife-text/drawn.ts";
import { drawHousehold } from "../datasets/household/drawn.ts";

/** A run's folder, read. */
export interface DrawnRun {
  readonly id: string;
  readonly title: string;
  /** Markdown: tables, and a sentence before or after some. */
  readonly lines: readonly string[];
  readonly plots: readonly Plot[];
}

/** A heading for it. */
export const drawnTitle = ({ title, id }: DrawnRun): string => `${title}, ${id}`;

/** Whether a folder holds such a run that came to its end. */
export function isDrawnRun(directory: string): boolean {
  return ["config.json", "rows.jsonl", "report.md"].every((name) => existsSync(join(directory, name)));
}

/** Reads the folder of a run with tables of its own. @throws DataError `run-unreadable` */
export function readDrawnRun(directory: string): DrawnRun {
  const place = resolve(directory);
  const read = (name: string) => readFileSync(join(place, name), "utf8");
  try {
    const config = JSON.parse(read("config.json")) as { benchmark?: unknown };
    const draw = config.benchmark === "household" ? drawHousehold : drawText;
    const drawn = draw(config, (name, schema) =>
      read(name)
        .split("\n")
        .filter(Boolean)
        .map((line) => schema.parse(JSON.parse(line))),
    );
    return { id: basename(place), ...drawn, lines: read("report.md").trimEnd().split("\n") };
  } catch (cause) {
    throw new DataError(
      "run-unreadable",
      `Expected a whole run of \`bench household\` or \`bench egolife --text\` in ${place}: run it again`,
      { cause, details: { path: place } },
    );
  }
}
