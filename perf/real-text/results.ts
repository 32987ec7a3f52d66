/** What was written, as rows of a file outside the checkout: a run can be stopped, resumed, and pooled with others. */
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { PlainAction } from "../../src/policy/plain-action.ts";
import { rowsOf } from "../../src/training/run-directory.ts";

/** Who wrote: the model alone, with a kind's questions in its prompt, or with a kind's vector. */
export interface Arm {
  readonly by: "base" | "prompt" | "vector";
  /** The kind whose questions the prompt or the lesson was given; `null` for the model alone. */
  readonly kind: string | null;
  /** Of the lesson; `null` where nothing was trained. */
  readonly seed: number | null;
  /** Name of the lesson's recipe and its strength; `null` where nothing was trained. */
  readonly recipe: string | null;
  /** Whether memories are written freely, or are one of the clip's lines, drawn by its chance. */
  readonly how: "free" | "line";
}

/** A memory as it was written, or a line that could have been. */
export interface Written {
  readonly text: string;
  /** Its probability among those of its window. */
  readonly chance: number;
  /** Of the policy's own, with what ended it. */
  readonly tokens: number;
  /** Whether it ended by itself. */
  readonly ended: boolean;
}

/** All that an arm wrote about a part of a wearer's week. */
export interface Row {
  readonly wearer: string;
  readonly part: "validation" | "test";
  readonly arm: Arm;
  /** Memories by the window they are about. */
  readonly memories: Readonly<Record<string, readonly Written[]>>;
}

/** A lesson's figures. */
export interface LessonRow {
  readonly lesson: Omit<Arm, "how"> & { readonly wearer: string };
  readonly contexts: number;
  readonly pairs: number;
  readonly steps: number;
  /** Loss at the first and the last quarter of the steps. */
  readonly loss: readonly [first: number, last: number];
  /** Length of the vector as a share of the stream's. */
  readonly share: number;
  readonly block: number;
  /** Wall clock of rollouts (0 where they were kept from an earlier lesson), of comparing and of training, in seconds. */
  readonly seconds: { readonly rollouts: number; readonly pairs: number; readonly training: number };
  /**
   * Processor time of the worker for all of it and for one whole pass forward and backward over four pairs, in seconds, and
   * its largest resident set, in bytes.
   */
  readonly worker: { readonly cpuSeconds: number; readonly passSeconds: number; readonly bytes: number };
  /** Mean number of processes that ran or waited on the machine in the lesson's last five minutes. */
  readonly load: number;
}

/** The file of a run. */
export class Results {
  readonly #path: string;
  readonly rows: Row[];
  readonly lessons: LessonRow[];

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    const all = rowsOf<Row | LessonRow>(path);
    this.rows = all.filter((row): row is Row => "memories" in row);
    this.lessons = all.filter((row): row is LessonRow => "lesson" in row);
  }

  find(wearer: string, part: Row["part"], arm: Arm): Row | undefined {
    return this.rows.find((row) => row.wearer === wearer && row.part === part && isSame(row.arm, arm));
  }

  add(row: Row): void {
    this.rows.push(row);
    this.#append(row);
  }

  addLesson(row: LessonRow): void {
    this.lessons.push(row);
    this.#append(row);
  }

  #append(row: Row | LessonRow): void {
    appendFileSync(this.#path, `${JSON.stringify(row)}\n`);
  }
}

function isSame(a: Arm, b: Arm): boolean {
  return a.by === b.by && a.kind === b.kind && a.seed === b.seed && a.recipe === b.recipe && a.how === b.how;
}

/** A memory as it was drawn, one of some that count alike. */
export function writtenOf(
  { text, logprobs, issues }: PlainAction,
  _: number,
  all: readonly PlainAction[],
): Written {
  const isCut = issues.some(({ code }) => code === "cut-off");
  return { text, chance: 1 / all.length, tokens: logprobs!.values.length, ended: !isCut };
}
