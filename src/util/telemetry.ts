/**
 * Where operations tell of themselves to whoever measures them: names and facts of our own, which `otel/` translates. Nothing
 * listens unless somebody asks, and then an operation costs one call more.
 */

/** Facts of an operation or a count. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Operations that tell of themselves. */
export type ToldOperation =
  /** Memory. */
  | "open-store"
  | "delete-store"
  | "commit"
  | "close-entry"
  | "recall"
  | "forget"
  /** What uses it. */
  | "ask"
  | "perceive"
  | "decide"
  | "adapt"
  /** A call of a model. */
  | "generate";

/** What is counted. */
export type ToldCount = "clips" | "tokens-kept" | "cost-usd";

/** Whoever measures. */
export interface Listener {
  /** Runs an operation; `tell` adds facts that are known when it has ended. */
  run<Result>(
    operation: ToldOperation,
    facts: Facts,
    work: (tell: (facts: Facts) => void) => Promise<Result>,
  ): Promise<Result>;
  count(what: ToldCount, amount: number, facts: Facts): void;
}

let listener: Listener | null = null;

/** Sets who listens in this process, `null` for no one. @returns who did before */
export function listen(next: Listener | null): Listener | null {
  const before = listener;
  listener = next;
  return before;
}

/** Runs an operation, and tells of it. */
export function told<Result>(
  operation: ToldOperation,
  facts: Facts,
  work: (tell: (facts: Facts) => void) => Promise<Result>,
): Promise<Result> {
  return listener ? listener.run(operation, facts, work) : work(() => {});
}

/** Counts something. */
export function counts(what: ToldCount, amount: number, facts: Facts = {}): void {
  listener?.count(what, amount, facts);
}
