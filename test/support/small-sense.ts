/** A sense for tests, in the form of those that run nets: it repeats a word, or does what goes wrong. */
import type { OpenSense } from "../../src/engines/sense-program.ts";

/** What it is asked: a word to repeat, to end its thread at, or to throw. */
export interface Word {
  readonly word: string;
  readonly does?: "repeat" | "end" | "throw";
}

let opened = 0;

export const open: OpenSense<{ readonly broken?: boolean }, Word, string> = async ({ broken }) => {
  if (broken) throw new Error("no such net");
  opened += 1;
  const number = opened;
  return async ({ word, does = "repeat" }) => {
    if (does === "end") process.exit(3);
    if (does === "throw") throw new Error(word);
    return `${word} ${number}`;
  };
};
