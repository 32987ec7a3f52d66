/** What both measurements of adapters on the household share: whom is taught what, what is asked, and who was right. */
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import {
  askAbout,
  createEpisode,
  type Episode,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
} from "../src/household/index.ts";
import { measuredEpisodes, seedOf, trainingEpisodes } from "../src/household/splits.ts";
import type { Statement } from "../src/memory/memory.ts";
import { seededRandom } from "../src/util/random.ts";
import { signed } from "./markdown.ts";

export const tasksTrainedOn = 5;
const questionsPerKind = 10;

/** Who watches: a policy without an adapter, or with the one of a kind of question. */
export type Watcher = "none" | FactKind;
export const watchers: readonly Watcher[] = ["none", ...factKinds];

/** An episode to watch and be asked about, and another that questions to train on are about. */
export interface Trial {
  readonly asked: Episode;
  readonly watched: Episode;
  readonly taught: ReadonlyMap<FactKind, readonly HouseholdQuestion[]>;
  /** None of them is also trained on. */
  readonly tests: ReadonlyMap<FactKind, readonly HouseholdQuestion[]>;
}

export function trialOf(n: number, clips: number): Trial {
  const asked = createEpisode(seedOf(trainingEpisodes.choice.tasks, n), clips);
  const watched = createEpisode(seedOf(measuredEpisodes.benchmark, n), clips);
  const taught = new Map(factKinds.map((kind) => [kind, questionsOf(asked, kind, tasksTrainedOn)]));
  const known = new Set([...taught.values()].flat().map(({ text }) => text));
  const unseen = (kind: FactKind) =>
    questionsOf(watched, kind, questionsPerKind).filter(({ text }) => !known.has(text));
  return { asked, watched, taught, tests: new Map(factKinds.map((kind) => [kind, unseen(kind)])) };
}

function questionsOf(episode: Episode, kind: FactKind, count: number): HouseholdQuestion[] {
  const random = seededRandom(`questions ${episode.seed} ${kind}`);
  return askAbout(episode, random, { kinds: [kind], perKind: count });
}

/** Whether the lexical reader answers each question rightly from all that was kept: 1 or 0, shape [questions]. */
export function rightFrom(
  kept: readonly Statement[],
  questions: readonly HouseholdQuestion[],
): Promise<number[]> {
  const reader = lexicalReader({ words: wordSpace });
  const written = { stream: "household", writtenAtMs: 0, policy: "measured", revision: "", closed: null };
  const recalled = kept.map((statement, i) => ({
    entry: {
      ...{ id: `e${i}`, ...written, ...statement },
      evidence: { clips: [], frames: [], tiers: {}, ...statement },
    },
    score: { total: 1 },
  }));
  return Promise.all(
    questions.map(async (question) => {
      const { option } = await reader.read({ question, recalled, rendered: "", gaps: [] });
      return Number(option === question.answer);
    }),
  );
}

/** Right or wrong per question, and the number of the episode it was asked about. */
export interface Answers {
  readonly right: readonly number[];
  readonly episode: readonly number[];
}

export const accuracy = ({ right }: Answers) => (100 * mean(right)).toFixed(1);

/** Points that `after` gains on `before`, the same questions, with their 95 % interval over episodes drawn again. */
export function gain(before: Answers, after: Answers): string {
  const differences = after.right.map((value, i) => 100 * (value - before.right[i]!));
  const { low, high } = clusterBootstrap(differences, before.episode, seededRandom("bootstrap"));
  return `${signed(mean(differences))} [${signed(low)}, ${signed(high)}]`;
}

/** Each watcher's answers to each kind of question. */
export class AnswerSheet {
  readonly #answers = new Map(watchers.map((watcher) => [watcher, new Map<FactKind, Answers>()]));

  add(watcher: Watcher, kind: FactKind, right: readonly number[], episode: number): void {
    const before = this.of(watcher, kind);
    this.#answers.get(watcher)!.set(kind, {
      right: [...before.right, ...right],
      episode: [...before.episode, ...right.map(() => episode)],
    });
  }

  of(watcher: Watcher, kind: FactKind): Answers {
    return this.#answers.get(watcher)!.get(kind) ?? { right: [], episode: [] };
  }

  /** Answers with adapters of other kinds: per question, their mean. */
  foreign(kind: FactKind): Answers {
    const others = factKinds.filter((other) => other !== kind).map((other) => this.of(other, kind));
    const right = others[0]!.right.map((_, i) => mean(others.map((other) => other.right[i]!)));
    return { right, episode: others[0]!.episode };
  }

  /** Rows of a table, a kind each and all of them: without an adapter, with the kind's own, with foreign ones. */
  rows(): { name: string; without: Answers; own: Answers; foreign: Answers; kinds: readonly FactKind[] }[] {
    const row = (name: string, kinds: readonly FactKind[]) => ({
      name,
      kinds,
      without: joined(kinds.map((kind) => this.of("none", kind))),
      own: joined(kinds.map((kind) => this.of(kind, kind))),
      foreign: joined(kinds.map((kind) => this.foreign(kind))),
    });
    return [...factKinds.map((kind) => row(kind, [kind])), row("all", factKinds)];
  }
}

function joined(parts: readonly Answers[]): Answers {
  return {
    right: parts.flatMap(({ right }) => right),
    episode: parts.flatMap(({ episode }) => episode),
  };
}
