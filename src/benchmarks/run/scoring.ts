/**
 * What answers are worth: right, wrong, abstained or failed, and the three figures of the paper from their counts.
 *
 * Departures from the released scripts, whose mistakes these are: a letter is read from the final answer, never the
 * first character; a failure is a failure, neither "E" nor "A"; coverage and precision are computed; errors are counted
 * apart, though they stay in the denominator.
 */
import { jsonrepair } from "jsonrepair";
import type { Option } from "../../tasks/task.ts";
import { seededRandom } from "../../util/random.ts";
import { clusterBootstrap, type Interval, mcnemarTest, mean } from "../statistics.ts";

/** `error`: no usable answer, or no usable verdict on it. */
export type Outcome = "right" | "wrong" | "abstained" | "error";

/** What was made of an answer to a question with options. */
export type Choice =
  | { readonly kind: "option"; readonly letter: string }
  | { readonly kind: "abstained" }
  /** One clause saying why. */
  | { readonly kind: "unreadable"; readonly problem: string };

/** Whether an answer, as a whole, says that there is nothing to answer from. */
export function lacksEvidence(answer: string): boolean {
  return /\b(insufficient|not enough) (information|evidence)\b/i.test(answer) || nothingToTell.test(answer);
}
const nothingToTell =
  /^\W*((it|this|that|the answer|the memory)\s+(is\s+|was\s+)?|i\s+)?(unknown|unclear|uncertain|unanswerable|n\/?a|no (information|evidence|mention)|not (in (the )?(memory|entries|records?)|stated|mentioned|answerable|specified|given|known|clear|available|found|told)|can(not|'t| not) (tell|answer|say|be (determined|answered|found|told))|do(es)?(n't| not) (know|tell|say|mention)( (it|that|this))?)( (in|from|by|of) (the )?(memory|entries|information|records?)( (alone|given))?)?\W*$/i;
/** With options at hand a sentence that says so somewhere is no answer either. */
const noEvidence =
  /\b(not answerable|no answer|cannot be (answered|determined|found)|can(not|'t| not) (tell|answer|be determined)|unanswerable|memory does(n't| not) tell)\b|^\W*none\W*$/i;

const answerIs = String.raw`(?:(?:final\s+|correct\s+|best\s+|right\s+)?answer|(?:final|correct|best|right)\s+(?:option|choice))`;
// A line that begins with `Option B:` weighs an option, it does not settle on it.
const stated = new RegExp(
  String.raw`^\W*(?:so\W+|therefore\W+|thus\W+)?(?:the\s+)?(?:${answerIs}|(?:option|choice)(?=\s*[:=]|\s+is\b))(?:\s+is)?\s*[:=\-–—]?\s*(.+)$`,
  "i",
);
/** The same after other words on the line; the last one. */
const statedAtLast = new RegExp(String.raw`^.*\b${answerIs}(?:\s*[:=]|\s+is\b:?)\s*(.+)$`, "i");
const alone = /^\W*([A-Z])\W*$/i;
const markup = /<\/?(?:answer|s)>|<\|[^|>]*\|>|\$|[*_`#]+/gi;

/**
 * The option a free text settles on: a letter alone on the last line, else the last line that states an answer
 * (`Answer: C`; on the last line also after other words), else a last line that is an option or gives its reason; from
 * JSON, its `answer`. The letter after the last option means "cannot be told".
 */
export function finalChoice(text: string, options: readonly Option[]): Choice {
  const lines = text
    .trim()
    .split(/\r?\n/)
    .map((line) =>
      line
        .replace(markup, "")
        .replace(/\\boxed\{([^{}]*)\}/g, "$1")
        .trim(),
    )
    .filter(Boolean);
  const last = lines.at(-1);
  if (last === undefined) return { kind: "unreadable", problem: "it is empty" };
  const fromJson = jsonAnswer(text);
  if (fromJson !== null) return choiceOf(fromJson, options) ?? unreadable(fromJson);
  const letter = alone.test(last) ? choiceOf(last, options) : null;
  if (letter) return letter;
  const answers = [
    statedAtLast.exec(last)?.[1],
    ...lines.toReversed().map((line) => stated.exec(line)?.[1]),
  ].filter((answer) => answer !== undefined);
  for (const answer of answers) {
    const choice = choiceOf(answer, options);
    if (choice) return choice;
  }
  return choiceOf(last, options, { unstated: true }) ?? unreadable(last);
}

const unreadable = (line: string): Choice => ({
  kind: "unreadable",
  problem: `its final line ${JSON.stringify(line.slice(0, 60))} names no option`,
});

/** @param unstated whether the words may as well be about an option that was weighed */
function choiceOf(
  answer: string,
  options: readonly Option[],
  { unstated = false }: { unstated?: boolean } = {},
): Choice | null {
  const plain = (words: string) =>
    words
      .toLowerCase()
      .replace(/[\s.]+$/g, "")
      .replace(/\s+/g, " ")
      .trim();
  const byText = options.filter((option) => plain(option.text) === plain(answer));
  const bare = alone.exec(answer)?.[1]?.toUpperCase();
  if (bare === undefined && byText.length === 1) return { kind: "option", letter: byText[0]!.letter };
  const letter = bare ?? leadingLetter(answer, options, unstated);
  if (letter !== undefined) {
    if (options.some((option) => option.letter === letter)) return { kind: "option", letter };
    const beyond = String.fromCharCode((options.at(-1)?.letter.charCodeAt(0) ?? 64) + 1);
    return letter === beyond ? { kind: "abstained" } : null;
  }
  return lacksEvidence(answer) || noEvidence.test(answer) ? { kind: "abstained" } : null;
}

/**
 * The letter an answer begins with and speaks of: `B because …`, or `B` and its own option; where it was stated as
 * the answer also `B. …` and `B – …`.
 */
function leadingLetter(answer: string, options: readonly Option[], unstated: boolean): string | undefined {
  const [, letter, rest = ""] =
    /^\W*(?:[Oo]ption\s+)?([A-Z])(?![\p{L}\p{N}'’])(.*)$/su.exec(answer.trim()) ?? [];
  if (letter === undefined || /^\s*[,/]\s*[A-Z]\b/.test(rest)) return undefined;
  const own = options.find((option) => option.letter === letter)?.text.toLowerCase();
  const goesOn = unstated
    ? /^[\s,]*(because|since|as)\b/.test(rest)
    : /^\s*([.):,]|[–—]|-\s|(because|since|as)\b|$)/.test(rest);
  const about = rest.replace(/^[\s(.):,–—-]+/, "").toLowerCase();
  return goesOn || (own !== undefined && about.startsWith(own)) ? letter : undefined;
}

/** The `answer` of a JSON object, bare or fenced, that is all of the text; `null` where it is something else. */
function jsonAnswer(text: string): string | null {
  const body = /^\s*(?:```\w*\s*)?(\{[\s\S]*\})\s*(?:```)?\s*$/.exec(text)?.[1];
  if (body === undefined) return null;
  try {
    const { answer, option } = JSON.parse(jsonrepair(body)) as Record<string, unknown>;
    const value = option ?? answer;
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/**
 * The letter most samples chose, ties to the earlier letter; unreadable ones do not vote, abstaining votes like a last
 * letter.
 */
export function majorityVote(votes: readonly Choice[]): Choice {
  const counts = new Map<string, number>();
  for (const vote of votes) {
    const name = vote.kind === "option" ? vote.letter : vote.kind === "abstained" ? "~" : null;
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  if (!best) {
    const unread = votes.find((vote) => vote.kind === "unreadable");
    return unread ?? { kind: "unreadable", problem: "there was no answer" };
  }
  return best[0] === "~" ? { kind: "abstained" } : { kind: "option", letter: best[0] };
}

/** One task as it was scored. */
export interface Scored {
  readonly id: string;
  /** What it shares its chances with: questions of one video, or of one hour of a day, are no independent draws. */
  readonly cluster: string;
  /** All types it counts for, the one it was scheduled under first. */
  readonly types: readonly string[];
  readonly group?: string;
  readonly outcome: Outcome;
  /** A judge's mark, 0 to 5, where there is one. */
  readonly mark?: number;
  /** By name, 0 to 1: what else was measured of it. */
  readonly measures?: Readonly<Record<string, number>>;
}

/** Shares are of 1; `null` where nothing is there to take a share of. */
export interface Figures {
  readonly tasks: number;
  readonly right: number;
  readonly wrong: number;
  readonly abstained: number;
  readonly errors: number;
  /** right / tasks; equals coverage × precision. */
  readonly accuracy: number | null;
  /** (right + wrong) / tasks: the questions that were answered. */
  readonly coverage: number | null;
  /** right / (right + wrong). */
  readonly precision: number | null;
  /** right / (tasks − errors): the released EgoLife script's second accuracy. */
  readonly accuracyWithoutErrors: number | null;
  /** Mean mark of those that have one. */
  readonly mark: number | null;
  readonly accuracyInterval: Interval | null;
  readonly coverageInterval: Interval | null;
  readonly precisionInterval: Interval | null;
  /** Mean of each measure, where tasks have them. */
  readonly measures?: Readonly<Record<string, number>>;
}

/** Figures over all questions, by type and by group. */
export interface Summary {
  readonly overall: Figures;
  /** Mean accuracy over types, each counting alike. */
  readonly meanOverTypes: number | null;
  readonly byType: Readonly<Record<string, Figures>>;
  readonly byGroup: Readonly<Record<string, Figures>>;
}

/**
 * Figures over all, by type and by group; intervals are bootstrapped over clusters, `null` where there are not two.
 * @param seed of the intervals
 */
export function summarise(scored: readonly Scored[], seed?: string): Summary {
  const types = [...new Set(scored.flatMap((one) => one.types))];
  const groups = [...new Set(scored.flatMap(({ group }) => group ?? []))];
  const byType = Object.fromEntries(
    types.map((type) => [
      type,
      figures(
        scored.filter((one) => one.types.includes(type)),
        seed,
      ),
    ]),
  );
  const accuracies = Object.values(byType).map(({ accuracy }) => accuracy!);
  return {
    overall: figures(scored, seed),
    meanOverTypes:
      accuracies.length === 0 ? null : accuracies.reduce((sum, share) => sum + share, 0) / accuracies.length,
    byType,
    byGroup: Object.fromEntries(
      groups.map((group) => [
        group,
        figures(
          scored.filter((one) => one.group === group),
          seed,
        ),
      ]),
    ),
  };
}

export function figures(scored: readonly Scored[], seed = "benchmark intervals"): Figures {
  const count = (outcome: Outcome) => scored.filter((one) => one.outcome === outcome).length;
  const [right, wrong, abstained, errors] = [
    count("right"),
    count("wrong"),
    count("abstained"),
    count("error"),
  ];
  const tasks = scored.length;
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  const answered = scored.filter(isAnswered);
  const marks = scored.flatMap(({ mark }) => mark ?? []);
  const isRight = ({ outcome }: Scored) => outcome === "right";
  const interval = (of: readonly Scored[], holds: (one: Scored) => boolean) => {
    const found = drawn(
      of.map((one) => ({ cluster: one.cluster, value: Number(holds(one)) })),
      seed,
    );
    // Few clusters make an interval wider than shares can be.
    return found && { low: Math.max(0, found.low), high: Math.min(1, found.high) };
  };
  return {
    tasks,
    right,
    wrong,
    abstained,
    errors,
    accuracy: share(right, tasks),
    coverage: share(right + wrong, tasks),
    precision: share(right, right + wrong),
    accuracyWithoutErrors: share(right, tasks - errors),
    mark: share(
      marks.reduce((sum, mark) => sum + mark, 0),
      marks.length,
    ),
    accuracyInterval: interval(scored, isRight),
    coverageInterval: interval(scored, isAnswered),
    precisionInterval: interval(answered, isRight),
    ...(scored[0]?.measures && { measures: meanMeasures(scored) }),
  };
}

function meanMeasures(scored: readonly Scored[]): Record<string, number> {
  const names = Object.keys(scored[0]!.measures!);
  return Object.fromEntries(
    names.map((name) => [name, mean(scored.map(({ measures }) => measures![name]!))]),
  );
}

const isAnswered = ({ outcome }: Scored) => outcome === "right" || outcome === "wrong";

/**
 * `null` for a single cluster: drawn again and again it says nothing of another one. The order of the tasks makes no
 * difference.
 */
function drawn(unordered: readonly { cluster: string; value: number }[], seed: string): Interval | null {
  const values = unordered.toSorted((a, b) => (a.cluster < b.cluster ? -1 : a.cluster > b.cluster ? 1 : 0));
  const clusters = values.map(({ cluster }) => cluster);
  if (new Set(clusters).size < 2) return null;
  return clusterBootstrap(
    values.map(({ value }) => value),
    clusters,
    seededRandom(seed),
  );
}

/** Two runs over the same questions. */
export interface Comparison {
  /** Questions both have. */
  readonly tasks: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Accuracy of the second less that of the first. */
  readonly difference: number;
  /** Bootstrapped over clusters; `null` where there are not two. */
  readonly interval: Interval | null;
  /** McNemar's exact test. */
  readonly p: number;
}

/** The difference in accuracy of two runs, paired by question. */
export function compare(first: readonly Scored[], second: readonly Scored[]): Comparison {
  const others = new Map(second.map((one) => [one.id, one]));
  const pairs = first.flatMap((one) => {
    const other = others.get(one.id);
    return other ? [{ cluster: one.cluster, a: one.outcome === "right", b: other.outcome === "right" }] : [];
  });
  const onlyFirst = pairs.filter(({ a, b }) => a && !b).length;
  const onlySecond = pairs.filter(({ a, b }) => b && !a).length;
  return {
    tasks: pairs.length,
    onlyFirst,
    onlySecond,
    difference: pairs.length === 0 ? 0 : (onlySecond - onlyFirst) / pairs.length,
    interval: drawn(
      pairs.map(({ cluster, a, b }) => ({ cluster, value: Number(b) - Number(a) })),
      "benchmark differences",
    ),
    p: mcnemarTest(onlyFirst, onlySecond),
  };
}
