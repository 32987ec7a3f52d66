/**
 * A made-up stream for tests: in every half minute something is said on each of five topics, one line a topic, all alike in
 * length and rarity; questions are about two of the topics.
 *
 * A line is three of its topic's words and a code that no other line holds. A question tells two of the topic's words
 * of a line some minutes back, and asks what stood with them: its code.
 */
import { letterOptions } from "../../../../tasks/task.ts";
import { pick, type Random, seededRandom, shuffle } from "../../../../util/random.ts";
import type { TextEntry } from "../../files/transcripts.ts";
import type { WeekTask } from "../week.ts";

/** Whose week it is. */
export const wearer = "A1_ANN";

/** Five topics of twelve words; no stem is of two. */
export const topics: readonly (readonly string[])[] = [
  "kettle stove pan onion pepper oven spoon plate bowl sauce butter flour",
  "violin chord melody drum rhythm singer stage tempo piano chorus flute verse",
  "bicycle wheel brake pedal saddle chain helmet tire valve pump gear frame",
  "garden tulip shovel hose lawn fern soil bucket seed rose hedge rake",
  "printer cable screen mouse router laptop folder keyboard printout modem charger plug",
].map((words) => words.split(" "));

export interface MadeUpWeek {
  readonly entries: readonly TextEntry[];
  readonly questions: readonly WeekTask[];
}

/** @param asked places of the topics that questions are about; each is a question type */
export function madeUpWeek({ windows = 240, asked = [0, 1], seed = "week" } = {}): MadeUpWeek {
  const random = seededRandom(seed);
  const entries: TextEntry[] = [];
  const questions: WeekTask[] = [];
  for (let window = 0; window < windows; window++) {
    const order = shuffle(random, [...topics.keys()]);
    for (const [place, topic] of order.entries()) {
      const startSeconds = window * 30 + place * 5;
      const words = shuffle(random, topics[topic]!).slice(0, 3);
      const code = codeOf(random);
      entries.push({
        startSeconds,
        endSeconds: startSeconds + 4,
        kind: place % 2 === 0 ? "speech" : "caption",
        speaker: place % 2 === 0 ? "Ann" : null,
        text: `${words.join(" ")} ${code}`,
      });
      if (asked.includes(topic) && window % 2 === 0) {
        questions.push(questionAbout(startSeconds, topic, words, code, questions.length + 1, random));
      }
    }
  }
  return { entries, questions };
}

/** Asked two minutes after the line, so that what came between may push it out. */
function questionAbout(
  targetSeconds: number,
  topic: number,
  [first, second]: readonly string[],
  code: string,
  number: number,
  random: Random,
): WeekTask {
  const letter = pick(random, ["A", "B", "C", "D"]);
  const codes = ["A", "B", "C", "D"].map((other) => (other === letter ? code : codeOf(random)));
  return {
    ...{ id: `${wearer}-${number}`, stream: wearer },
    type: `topic ${topic}`,
    askTime: targetSeconds + 120,
    question: `What was shown with the ${first} and the ${second}?`,
    options: letterOptions(codes),
    answer: letter,
    evidence: [{ startSeconds: targetSeconds, endSeconds: targetSeconds }],
    keywords: "",
  };
}

/** A made-up word, such as `bozadiku`. */
function codeOf(random: Random): string {
  return Array.from({ length: 4 }, () => pick(random, [..."bdfgklmnprtvz"]) + pick(random, [..."aiou"])).join(
    "",
  );
}
