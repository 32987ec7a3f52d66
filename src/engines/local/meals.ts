/**
 * Questions about a meal, "What was eaten for breakfast on day 1?": what was said at another time of day tells nothing of it,
 * unless the talk around it names the meal or its part of the day. Only on a clock of days, whose hours are those of the
 * place: a wall clock is of UTC, and a fact is told at any time.
 */
import { type Sentence, talkSeconds } from "./sentences.ts";

/** A meal: what names it or its part of the day, and the hours in which it is had. */
interface Meal {
  readonly asked: RegExp;
  readonly told: RegExp;
  readonly hours: readonly [from: number, to: number];
}

const meal = (hours: Meal["hours"], asked: string, partOfDay: string): Meal => ({
  asked: new RegExp(asked, "iu"),
  told: new RegExp(`${asked}|${partOfDay}`, "iu"),
  hours,
});

const meals: readonly Meal[] = [
  meal(
    [4, 11],
    "\\b(?:breakfast|frühstück\\p{L}*|petit[- ]d[ée]jeuner|desayun\\p{L}*|colazione)\\b|早餐|早饭|朝食",
    "\\b(?:morning|morgens|matin|mañana|mattina)\\b|早上|早晨|朝",
  ),
  meal(
    [10.5, 16],
    "\\b(?:lunch\\p{L}*|mittagessen|almuerz\\p{L}*|pranzo)\\b|午餐|午饭|中饭|昼食",
    "\\b(?:noon|midday|mittags?|midi|mediodía|mezzogiorno)\\b|中午|昼",
  ),
  meal(
    [16.5, 24],
    "\\b(?:dinner|supper|abendessen|d[îi]ner|cena)\\b|晚餐|晚饭|夕食",
    "\\b(?:evening|tonight|night|abends?|soir|noche|sera)\\b|今晚|晚上|夜",
  ),
];

/** The sentences that may tell of the meal that a question names; all of them where it names none or several. */
export function ofMeal(question: string, sentences: readonly Sentence[]): readonly Sentence[] {
  const [named, ...others] = meals.filter(({ asked }) => asked.test(question));
  if (!named || others.length > 0) return sentences;
  const [from, to] = named.hours;
  const telling = sentences.filter(({ text }) => named.told.test(text));
  return sentences.filter(({ entry, clock }) => {
    const hour = (entry.startSeconds % 86_400) / 3600;
    if (clock.kind !== "day" || (hour >= from && hour < to)) return true;
    return telling.some(
      ({ entry: other }) =>
        other.stream === entry.stream && Math.abs(other.startSeconds - entry.startSeconds) <= talkSeconds,
    );
  });
}
