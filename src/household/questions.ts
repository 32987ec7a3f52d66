/**
 * Questions about an episode, with four options and the answer: one kind of question per kind of fact.
 *
 * A distractor is another value of the answer's slot, if possible one that was shown of something else, so that half a
 * memory does not give the answer away. A display's options are two hours with two minutes each, so that each half of the
 * time stands in two of them and no option is more like the others than the rest.
 */
import { letterOptions, type Option } from "../tasks/task.ts";
import { pick, type Random, seededRandom, shuffle } from "../util/random.ts";
import {
  colours,
  displayHours,
  displayMinutes,
  type Fact,
  type FactKind,
  factKinds,
  factValue,
  hours,
  keyOf,
  optionOf,
  places,
  questionOf,
  rooms,
} from "./language.ts";
import type { Episode } from "./world.ts";

/** A multiple-choice question about an episode, with its answer and evidence. */
export interface HouseholdQuestion {
  readonly kind: FactKind;
  readonly text: string;
  /** Four options, lettered A to D. */
  readonly options: readonly Option[];
  /** Letter of the correct option. */
  readonly answer: string;
  /** Stream time it is asked at, in seconds: later clips do not count. */
  readonly askedAtSeconds: number;
  readonly fact: Fact;
  /** Clips that show the fact, in order. */
  readonly clips: readonly number[];
  /** Spans of the scenes that show it, in seconds. */
  readonly moments: readonly { readonly startSeconds: number; readonly endSeconds: number }[];
}

/** Which questions to ask about an episode. */
export interface QuestionOptions {
  /** How many questions of each kind, as far as the episode has facts. @default 1 */
  readonly perKind?: number;
  /** Kinds of questions. @default all five */
  readonly kinds?: readonly FactKind[];
  /** Only facts shown completely by this moment. @default the episode's end */
  readonly bySeconds?: number;
}

/** Questions about facts that an episode has shown, kinds in turn. */
export function askAbout(
  episode: Episode,
  random: Random,
  options: QuestionOptions = {},
): HouseholdQuestion[] {
  const { perKind = 1, kinds = factKinds, bySeconds = episode.endSeconds } = options;
  const clips = episode.clips.filter(({ endSeconds }) => endSeconds <= bySeconds);
  const facts = [...new Map(clips.flatMap((clip) => clip.facts).map((fact) => [keyOf(fact), fact])).values()];
  const asked = kinds.map((kind) =>
    shuffle(
      random,
      facts.filter((fact) => fact.kind === kind),
    ).slice(0, perKind),
  );
  const inTurn = Array.from({ length: perKind }, (_, i) =>
    asked.flatMap((ofKind) => ofKind.slice(i, i + 1)),
  ).flat();
  return inTurn.map((fact) => {
    const value = factValue(fact);
    const values = shuffle(random, [value, ...distractors(random, fact, facts)]);
    const showing = clips.filter((clip) => clip.facts.includes(fact));
    return {
      kind: fact.kind,
      text: questionOf(fact),
      options: letterOptions(values.map((text) => optionOf(fact.kind, text))),
      answer: String.fromCharCode(65 + values.indexOf(value)),
      askedAtSeconds: bySeconds,
      fact,
      clips: showing.map(({ index }) => index),
      moments: showing.flatMap(({ scenes }) =>
        scenes
          .filter(({ strips }) => strips.includes(fact))
          .map(({ startSeconds, endSeconds }) => ({ startSeconds, endSeconds })),
      ),
    };
  });
}

const without = (values: readonly string[], value: string) => values.filter((other) => other !== value);

/** Three wrong values for a fact's slot. */
function distractors(random: Random, fact: Fact, facts: readonly Fact[]): string[] {
  if (fact.kind === "display") {
    const [hour, minutes] = fact.time.split(":") as [string, string];
    // These draws only seed those below: without them an episode's other questions would get other options.
    const drawn = new Set<string>();
    while (drawn.size < 3) {
      const other =
        random() < 0.5
          ? `${pick(random, displayHours)}:${minutes}`
          : `${hour}:${pick(random, displayMinutes)}`;
      if (other !== fact.time) drawn.add(other);
    }
    const own = seededRandom(`display ${[...drawn]}`);
    const otherHour = pick(own, without(displayHours, hour));
    const otherMinutes = pick(own, without(displayMinutes, minutes));
    return [`${otherHour}:${minutes}`, `${hour}:${otherMinutes}`, `${otherHour}:${otherMinutes}`];
  }
  const slot: Record<Exclude<FactKind, "display">, readonly string[]> = {
    place: places,
    wear: colours,
    speech: hours,
    activity: rooms,
  };
  const shown = shuffle(random, [...new Set(facts.filter(({ kind }) => kind === fact.kind).map(factValue))]);
  const others = new Set([...shown, ...shuffle(random, slot[fact.kind])]);
  others.delete(factValue(fact));
  return [...others].slice(0, 3);
}
