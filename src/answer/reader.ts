/** The contract of a reader: question + recalled entries → answer. It sees memory only. */
import type { Cost } from "../engine.ts";
import type { Entry, FloorRow, Gap, RecalledEntry } from "../memory/memory.ts";
import type { Question } from "../tasks/task.ts";
import type { Clock } from "../util/time.ts";
import type { AskedOfWhole } from "./asked.ts";

/** What a reader is shown for one question. */
export interface ReadRequest {
  readonly question: Question;
  /** The recalled entries, best first. */
  readonly recalled: readonly RecalledEntry[];
  /** The same entries rendered in time order with their ids, clocks and gaps, within the token budget. */
  readonly rendered: string;
  /** Renders them within fewer tokens, the best-scored that fit, for a model that takes less. @default `rendered` alone */
  readonly render?: (tokenBudget: number) => string;
  readonly gaps: readonly Gap[];
  /** Clocks of the streams. @default media clocks */
  readonly clocks?: ReadonlyMap<string, Clock>;
  /** What the question asks of the whole; `null` for a question about something in it. @default null */
  readonly whole?: AskedOfWhole | null;
  /** What is known of the recording: a row a stream, where the question is of the whole. @default nothing */
  readonly floor?: readonly FloorRow[];
  /** Cosines of a word and others by meaning. @default meanings are not compared */
  readonly likeness?: (word: string, others: readonly string[]) => Promise<readonly number[]>;
  /** How well the first recalled entries answer, by their ids (`line-scores.ts`). @default nothing tells */
  readonly lineScores?: () => Promise<ReadonlyMap<string, number>>;
  readonly signal?: AbortSignal;
}

/** The answer of a reader. */
export interface Reading {
  /** One or more sentences; for an abstention, what was missing. */
  readonly answer: string;
  /** Letter of the chosen option, `null` for free-form questions and abstentions. */
  readonly option: string | null;
  readonly abstained: boolean;
  /** Ids of the cited entries; empty for an abstention. */
  readonly cited: readonly string[];
  /** Ids of entries whose statements the cited one replaced, the latest first. @default none */
  readonly earlier?: readonly string[];
  readonly cost: Cost;
}

/** A reading that declines. @param answer what was missing */
export function abstention(answer: string): Omit<Reading, "cost"> {
  return { answer, option: null, abstained: true, cited: [] };
}

/** Answers questions from the memories it is shown, and from nothing else. */
export interface Reader {
  readonly id: string;
  /** Most tokens of rendered memory it takes. */
  readonly tokenBudget: number;
  /** Whether it reads every recalled entry, also those that the rendered text has no room for. @default false */
  readonly readsEntries?: boolean;
  read(request: ReadRequest): Promise<Reading>;
  /**
   * The entry that speaks of an event ("the dentist called"), `null` where none does. A reader with it is asked again where
   * a first look finds nothing; one without, such as a model, is asked once.
   */
  find?(event: string, entries: readonly RecalledEntry[], clocks: ReadonlyMap<string, Clock>): Entry | null;
  /**
   * Ids of entries whose statement a later one replaced, as far as the question asks for what holds now; none where it
   * asks for the past. What is shown first holds.
   */
  replaced?(
    question: string,
    entries: readonly RecalledEntry[],
    clocks: ReadonlyMap<string, Clock>,
  ): readonly string[];
}
