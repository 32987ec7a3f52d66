/**
 * From judged comparisons to preference pairs: which of two memories of the same clip to prefer. At most one pair per
 * context, as in the paper, or all whose sides are both true.
 *
 * A single comparison is weak evidence; a long chain of them (a beat b, b beat c) means a wide gap. So the
 * chosen text is undefeated, the rejected one stands at the far end of a chain below it, both have about the
 * same length, and the chosen one passes the quality checks. What is left for training to learn from is
 * relevance. The released code does this in `training/stage2/gen_pairs.py`.
 *
 * Left out: asking the judge, both orders of a comparison (only agreeing ones arrive here), and the checks
 * themselves.
 *
 * Departures:
 * 1. On a cycle only the comparisons that lie on it are dropped, as in the paper; the released code drops
 *    the context.
 * 2. Among equally good pairs the random seed decides, not the order of ids, so no position in a group is preferred.
 * 3. A text sampled twice with two verdicts counts as failing: its quality is in doubt.
 * 4. With `take: "all"` a context gives all its pairs, and a text that fails the checks is on neither side: a rejected
 *    text that fails teaches truth, not relevance.
 */
import { pick, seededRandom, shuffle } from "../util/random.ts";

/** One text the policy wrote for a context; the caller's own fields are returned with the pair. */
export interface PairCandidate {
  /** Unique within its context. */
  readonly id: string;
  readonly text: string;
  /** Length of the text alone, without thinking, in tokens. */
  readonly tokens: number;
  /** Whether it passes every quality check: true to the clip, labels right, tags well formed, length. */
  readonly passes: boolean;
}

/** What a judge preferred in both orders. */
export interface Comparison {
  /** Id of the candidate that helps more. */
  readonly winner: string;
  /** Id of the candidate that helps less. */
  readonly loser: string;
  /** Id of the task, or of the sample of tasks, it was judged by. */
  readonly task: string;
}

/**
 * Everything the policy wrote for one clip, and its comparisons. Give each kind of task a context of its
 * own: kinds that prefer different things would cancel each other out.
 */
export interface PairContext<C extends PairCandidate> {
  readonly id: string;
  readonly candidates: readonly C[];
  readonly comparisons: readonly Comparison[];
}

/** Options of `choosePairs`. */
export interface PairOptions {
  /** Random seed: decides among equals, and the order of the pairs. @default 42 */
  readonly seed?: number | string;
  /** Chosen and rejected differ by fewer tokens than this, above 0. @default 20 */
  readonly tokenMargin?: number;
  /**
   * What a context gives: the pair of the longest chain, or that pair and all others within the margin, among texts that
   * pass the checks. @default "one"
   */
  readonly take?: "one" | "all";
}

/** Whether the rejected text passes the quality checks; the chosen one always does. */
export type PairKind = "both-pass" | "rejected-fails";

/** Two texts of one context, the preferred one as `chosen`. */
export interface PreferencePair<C extends PairCandidate> {
  /** Id of the context both were written for. */
  readonly context: string;
  readonly chosen: C;
  readonly rejected: C;
  readonly kind: PairKind;
  /** Steps of the longest chain from chosen down to rejected, from 1 up. */
  readonly distance: number;
  /** The comparisons of that chain, from chosen down; a step judged by several tasks has several. */
  readonly edges: readonly Comparison[];
}

/** Why a context gave no pair: the first of these that applies. */
export type NoPairReason =
  /** Fewer than two different texts. */
  | "one-text"
  /** The judge expressed no preference. */
  | "no-comparisons"
  /** Each comparison prefers a text that fails the checks to one that passes. */
  | "worse-quality"
  /** Each comparison that is left lies on a cycle. */
  | "all-cyclic"
  /** No undefeated text that beat another passes the checks; of all pairs, no two texts that do were compared. */
  | "none-passes"
  /** Each pair differs too much in length. */
  | "length";

/** The pairs, with what was dropped and why. */
export interface PairReport {
  readonly contexts: number;
  readonly pairs: number;
  readonly kinds: Readonly<Record<PairKind, number>>;
  /** Means over the pairs; null where there are none. */
  readonly means: {
    readonly chosenTokens: number;
    readonly rejectedTokens: number;
    readonly distance: number;
  } | null;
  /** Contexts without a pair, by id. */
  readonly skipped: readonly { readonly context: string; readonly reason: NoPairReason }[];
  /** Comparisons dropped because they prefer the worse quality. */
  readonly worseQuality: readonly ContextComparison[];
  /** Comparisons dropped because they lie on a cycle. */
  readonly cyclic: readonly ContextComparison[];
}

/** A comparison with the id of its context. */
export interface ContextComparison extends Comparison {
  readonly context: string;
}

/**
 * The pairs of each context, contexts in seeded order, and a report on the rest. Of several pairs of a context the one
 * of the longest chain is the first.
 *
 * Depends only on the contents and the random seed: the order of contexts, candidates and comparisons changes
 * nothing, and no context changes another's pair.
 * @throws RangeError for an id used twice, a comparison of an unknown candidate, a length below 0 or
 * not finite, a margin not above 0
 */
export function choosePairs<C extends PairCandidate>(
  contexts: readonly PairContext<C>[],
  { seed = 42, tokenMargin = 20, take = "one" }: PairOptions = {},
): { readonly pairs: readonly PreferencePair<C>[]; readonly report: PairReport } {
  if (!(tokenMargin > 0)) {
    throw new RangeError(
      `Expected \`tokenMargin\` above 0, got ${tokenMargin}: pairs of equal length differ by 0 tokens`,
    );
  }
  checkUnique("context", contexts);
  const chosen: (readonly PreferencePair<C>[])[] = [];
  const skipped: PairReport["skipped"][number][] = [];
  const worseQuality: ContextComparison[] = [];
  const cyclic: ContextComparison[] = [];
  for (const context of [...contexts].sort(byId)) {
    const outcome = chooseWithin(context, { seed, tokenMargin, take });
    const located = (comparison: Comparison) => ({ ...comparison, context: context.id });
    worseQuality.push(...outcome.worseQuality.map(located));
    cyclic.push(...outcome.cyclic.map(located));
    if (typeof outcome.pairs === "string") skipped.push({ context: context.id, reason: outcome.pairs });
    else chosen.push(outcome.pairs);
  }
  const pairs = shuffle(seededRandom(seed), chosen).flat();
  const count = (kind: PairKind) => pairs.filter((pair) => pair.kind === kind).length;
  const mean = (value: (pair: PreferencePair<C>) => number) =>
    pairs.reduce((sum, pair) => sum + value(pair), 0) / pairs.length;
  return {
    pairs,
    report: {
      contexts: contexts.length,
      pairs: pairs.length,
      kinds: { "both-pass": count("both-pass"), "rejected-fails": count("rejected-fails") },
      means:
        pairs.length === 0
          ? null
          : {
              chosenTokens: mean((pair) => pair.chosen.tokens),
              rejectedTokens: mean((pair) => pair.rejected.tokens),
              distance: mean((pair) => pair.distance),
            },
      skipped,
      worseQuality,
      cyclic,
    },
  };
}

interface Outcome<C extends PairCandidate> {
  readonly pairs: readonly PreferencePair<C>[] | NoPairReason;
  readonly worseQuality: readonly Comparison[];
  readonly cyclic: readonly Comparison[];
}

function chooseWithin<C extends PairCandidate>(
  context: PairContext<C>,
  { seed, tokenMargin, take }: Required<PairOptions>,
): Outcome<C> {
  checkContext(context);
  const nodeOf = distinctTexts(context.candidates);
  const nodes = [...new Set(nodeOf.values())].sort(byId);
  const comparisons = [...context.comparisons].sort(byNames);
  const ends = ({ winner, loser }: Comparison) => ({
    winner: nodeOf.get(winner)!,
    loser: nodeOf.get(loser)!,
  });
  const isWorse = (comparison: Comparison) => {
    const { winner, loser } = ends(comparison);
    return loser.passes && !winner.passes;
  };
  const bothPass = (comparison: Comparison) => Object.values(ends(comparison)).every(({ passes }) => passes);
  const worseQuality = comparisons.filter(isWorse);
  const sound = comparisons.filter(
    (comparison) => !isWorse(comparison) && (take === "one" || bothPass(comparison)),
  );

  const beaten = beatenBy(sound, ends);
  const below = new Map(nodes.map((node) => [node, reachable(node, beaten)]));
  const isCyclic = (comparison: Comparison) => {
    const { winner, loser } = ends(comparison);
    return below.get(loser)!.has(winner);
  };
  const cyclic = sound.filter(isCyclic);
  const kept = sound.filter((comparison) => !isCyclic(comparison));

  const chains = longestChains(nodes, beatenBy(kept, ends));
  const passing = chains.filter(({ chosen }) => chosen.passes);
  const balanced = passing.filter((chain) => tokenDifference(chain) < tokenMargin);
  if (balanced.length > 0) {
    const best = balanced.reduce((a, b) => (compareChains(b, a) < 0 ? b : a));
    const equals = balanced.filter((chain) => compareChains(chain, best) === 0);
    const random = seededRandom(`${seed} ${context.id}`);
    const edgesOf = ([winner, loser]: readonly [C, C]) =>
      kept.filter((comparison) => ends(comparison).winner === winner && ends(comparison).loser === loser);
    const pairOf = ({ chosen, rejected, steps }: Chain<C>): PreferencePair<C> => ({
      ...{ context: context.id, chosen, rejected, kind: rejected.passes ? "both-pass" : "rejected-fails" },
      ...{ distance: steps.length, edges: steps.flatMap(edgesOf) },
    });
    const first = pick(random, equals);
    const others =
      take === "one" ? [] : directPairs(nodes, kept, ends).filter((pair) => !isPairOf(pair, first));
    const within = others.filter((pair) => tokenDifference(pair) < tokenMargin);
    return { pairs: [first, ...shuffle(random, within)].map(pairOf), worseQuality, cyclic };
  }
  const reason = (): NoPairReason => {
    if (nodes.length < 2) return "one-text";
    if (comparisons.length === 0) return "no-comparisons";
    if (sound.length === 0) return comparisons.every(isWorse) ? "worse-quality" : "none-passes";
    if (kept.length === 0) return "all-cyclic";
    return passing.length === 0 ? "none-passes" : "length";
  };
  return { pairs: reason(), worseQuality, cyclic };
}

/** The candidate for each id: of equal texts the first by id, a failing one before a passing one. */
function distinctTexts<C extends PairCandidate>(candidates: readonly C[]): Map<string, C> {
  const ofText = new Map<string, C>();
  const ordered = [...candidates].sort((a, b) => Number(a.passes) - Number(b.passes) || byId(a, b));
  for (const candidate of ordered) {
    if (!ofText.has(candidate.text)) ofText.set(candidate.text, candidate);
  }
  return new Map(candidates.map(({ id, text }) => [id, ofText.get(text)!]));
}

/** The candidates that each candidate beat directly. */
function beatenBy<C>(
  comparisons: readonly Comparison[],
  ends: (comparison: Comparison) => { readonly winner: C; readonly loser: C },
): Map<C, Set<C>> {
  const beaten = new Map<C, Set<C>>();
  for (const comparison of comparisons) {
    const { winner, loser } = ends(comparison);
    beaten.set(winner, (beaten.get(winner) ?? new Set()).add(loser));
  }
  return beaten;
}

/** The candidates that one beat, directly or through others; includes itself only where it lies on a cycle. */
function reachable<C>(from: C, beaten: ReadonlyMap<C, ReadonlySet<C>>): Set<C> {
  const found = new Set<C>();
  const open = [from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of beaten.get(node) ?? []) {
      if (!found.has(next)) open.push(next);
      found.add(next);
    }
  }
  return found;
}

interface Chain<C> {
  readonly chosen: C;
  readonly rejected: C;
  /** Winner and loser of each step, from chosen down. */
  readonly steps: readonly (readonly [winner: C, loser: C])[];
}

/**
 * For each undefeated candidate, a longest chain to each one below it, in an acyclic graph. The order of the
 * chains, and which of several longest ones is taken, follow from the order of the nodes and of the sets.
 */
function longestChains<C>(nodes: readonly C[], beaten: ReadonlyMap<C, ReadonlySet<C>>): Chain<C>[] {
  const losers = new Set([...beaten.values()].flatMap((set) => [...set]));
  const order = winnersFirst(nodes, beaten);
  return nodes.flatMap((chosen) => {
    if (losers.has(chosen)) return [];
    const chains = new Map<C, Chain<C>["steps"]>([[chosen, []]]);
    for (const winner of order) {
      const steps = chains.get(winner);
      if (steps === undefined) continue;
      for (const loser of beaten.get(winner) ?? []) {
        if (steps.length + 1 > (chains.get(loser)?.length ?? 0))
          chains.set(loser, [...steps, [winner, loser]]);
      }
    }
    chains.delete(chosen);
    return [...chains].map(([rejected, steps]) => ({ chosen, rejected, steps }));
  });
}

/** Each two texts that were compared, as a chain of one step. */
function directPairs<C extends PairCandidate>(
  nodes: readonly C[],
  kept: readonly Comparison[],
  ends: (comparison: Comparison) => { readonly winner: C; readonly loser: C },
): Chain<C>[] {
  const beaten = beatenBy(kept, ends);
  return nodes.flatMap((chosen) =>
    [...(beaten.get(chosen) ?? [])].map(
      (rejected): Chain<C> => ({ chosen, rejected, steps: [[chosen, rejected]] }),
    ),
  );
}

function isPairOf<C>(one: Chain<C>, other: Chain<C>): boolean {
  return one.chosen === other.chosen && one.rejected === other.rejected;
}

/** The nodes of an acyclic graph, each winner before those it beat. */
function winnersFirst<C>(nodes: readonly C[], beaten: ReadonlyMap<C, ReadonlySet<C>>): C[] {
  const finished = new Set<C>();
  const visit = (node: C): void => {
    if (finished.has(node)) return;
    for (const loser of beaten.get(node) ?? []) visit(loser);
    finished.add(node);
  };
  for (const node of nodes) visit(node);
  return [...finished].reverse();
}

/** Below 0 where the first is the better pair: the longer chain, then the smaller difference in length. */
function compareChains(a: Chain<PairCandidate>, b: Chain<PairCandidate>): number {
  return b.steps.length - a.steps.length || tokenDifference(a) - tokenDifference(b);
}

function tokenDifference({ chosen, rejected }: Chain<PairCandidate>): number {
  return Math.abs(chosen.tokens - rejected.tokens);
}

function checkContext({ id, candidates, comparisons }: PairContext<PairCandidate>): void {
  checkUnique(`candidate of context "${id}"`, candidates);
  const ids = new Set(candidates.map((candidate) => candidate.id));
  for (const candidate of candidates) {
    if (!(candidate.tokens >= 0 && candidate.tokens < Infinity)) {
      throw new RangeError(
        `Expected \`tokens\` of candidate "${candidate.id}" of context "${id}" from 0 up, got ${candidate.tokens}: count the tokens of its text`,
      );
    }
  }
  for (const name of comparisons.flatMap(({ winner, loser }) => [winner, loser])) {
    if (!ids.has(name)) {
      throw new RangeError(
        `Expected comparisons among the candidates of context "${id}", got "${name}": leave out comparisons of candidates that were excluded`,
      );
    }
  }
}

function checkUnique(what: string, items: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of items) {
    if (seen.has(id))
      throw new RangeError(`Expected one ${what} per id, got "${id}" twice: give each its own id`);
    seen.add(id);
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return compareText(a.id, b.id);
}

function byNames(a: Comparison, b: Comparison): number {
  return compareText(a.winner, b.winner) || compareText(a.loser, b.loser) || compareText(a.task, b.task);
}

/** By code unit, the same on every platform. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
