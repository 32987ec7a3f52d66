/** The contract of a reader: question + recalled entries → answer. Memory is all it may see. */
import type { Cost } from "../engine.ts";
import type { Gap, RecalledEntry } from "../memory/memory.ts";
import type { Question } from "../tasks/task.ts";

/** What a reader is shown of memory for one question. */
export interface ReadRequest {
  readonly question: Question;
  /** Best first. */
  readonly recalled: readonly RecalledEntry[];
  /** The same entries rendered in time order with their ids, clocks and gaps, within the token budget. */
  readonly rendered: string;
  readonly gaps: readonly Gap[];
  readonly signal?: AbortSignal;
}

/** What a reader made of the memories it was shown. */
export interface Reading {
  /** One or more sentences; for an abstention, what was missing. */
  readonly answer: string;
  /** Letter of the chosen option, `null` for free-form questions and abstentions. */
  readonly option: string | null;
  readonly abstained: boolean;
  /** Ids of entries the answer rests on; empty for an abstention. */
  readonly cited: readonly string[];
  readonly cost: Cost;
}

/** Answers a question from the memories it is shown, and from nothing else. */
export interface Reader {
  readonly id: string;
  /** Tokens of rendered memory it wants at most. */
  readonly tokenBudget: number;
  read(request: ReadRequest): Promise<Reading>;
}
