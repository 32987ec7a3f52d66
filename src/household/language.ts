/**
 * The household's small closed language: its people and things, and one way to say each kind of fact.
 *
 * The first word of a sentence decides its kind, and so does the first word of a question. A policy thus picks a kind
 * with one token, which lets an adapter steer between kinds. Each slot has its own words. Times are words of a list,
 * never free digits.
 */

/** The people of the household. */ export const people = [
  "Ann",
  "Bob",
  "Cleo",
  "Dan",
  "Eve",
  "Finn",
] as const;
/** Things that are put somewhere. */
export const objects = [
  "keys",
  "phone",
  "wallet",
  "book",
  "mug",
  "hat",
  "letter",
  "torch",
  "pills",
  "scissors",
] as const;
/** Where things are put. */
export const places = ["desk", "shelf", "bed", "sofa", "bench", "stove", "piano", "fridge"] as const;
/** Colours of garments. */
export const colours = ["red", "orange", "yellow", "green", "blue", "purple", "white", "black"] as const;
/** What people wear. */
export const garments = ["shirt", "coat", "scarf", "skirt", "cap"] as const;
/** Events that people speak of. */
export const topics = [
  "dentist",
  "meeting",
  "party",
  "train",
  "delivery",
  "lesson",
  "match",
  "concert",
  "haircut",
  "interview",
] as const;
/** Hours as people say them. */
export const hours = [
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
] as const;
/** What has a display. */
export const devices = [
  "clock",
  "oven",
  "radio",
  "heater",
  "printer",
  "microwave",
  "timer",
  "tablet",
  "watch",
  "boiler",
  "scale",
  "alarm",
] as const;
/** Displays show one of 24 hours and one of 12 five-minute steps. */
export const displayHours = Array.from({ length: 24 }, (_, i) => String(i).padStart(2, "0"));
export const displayMinutes = Array.from({ length: 12 }, (_, i) => String(i * 5).padStart(2, "0"));
/** Verbs in the third person, with the plain form that questions use. */
export const verbs = {
  cleans: "clean",
  cooks: "cook",
  dances: "dance",
  paints: "paint",
  reads: "read",
  sews: "sew",
  sings: "sing",
  sleeps: "sleep",
} as const;
/** Rooms in which people are busy. */
export const rooms = [
  "kitchen",
  "bathroom",
  "garage",
  "attic",
  "cellar",
  "porch",
  "garden",
  "hallway",
] as const;

/** A person of the household. */
export type Person = (typeof people)[number];
/** What a person does, in the third person. */
export type Verb = keyof typeof verbs;

/** One thing that is true in an episode. */
export type Fact =
  | {
      readonly kind: "place";
      readonly person: Person;
      readonly object: (typeof objects)[number];
      readonly place: (typeof places)[number];
    }
  | {
      readonly kind: "wear";
      readonly person: Person;
      readonly garment: (typeof garments)[number];
      readonly colour: (typeof colours)[number];
    }
  | {
      readonly kind: "speech";
      readonly person: Person;
      readonly topic: (typeof topics)[number];
      readonly hour: (typeof hours)[number];
    }
  /** `time` is `HH:MM`. */
  | { readonly kind: "display"; readonly device: (typeof devices)[number]; readonly time: string }
  | {
      readonly kind: "activity";
      readonly person: Person;
      readonly verb: Verb;
      readonly room: (typeof rooms)[number];
    };

/** Kind of a fact. */
export type FactKind = Fact["kind"];
/** All kinds of facts. */
export const factKinds: readonly FactKind[] = ["place", "wear", "speech", "display", "activity"];

/** What a fact is about, without its value: within one episode a key has one value. */
export function keyOf(fact: Fact): string {
  switch (fact.kind) {
    case "place":
      return `place ${fact.person} ${fact.object}`;
    case "wear":
      return `wear ${fact.person} ${fact.garment}`;
    case "speech":
      return `speech ${fact.person} ${fact.topic}`;
    case "display":
      return `display ${fact.device}`;
    case "activity":
      return `activity ${fact.person} ${fact.verb}`;
  }
}

/** The value a question about a fact asks for. */
export function factValue(fact: Fact): string {
  switch (fact.kind) {
    case "place":
      return fact.place;
    case "wear":
      return fact.colour;
    case "speech":
      return fact.hour;
    case "display":
      return fact.time;
    case "activity":
      return fact.room;
  }
}

/** The one true sentence of a fact: `On the desk Ann puts the keys.` */
export function sentenceOf(fact: Fact): string {
  switch (fact.kind) {
    case "place":
      return `On the ${fact.place} ${fact.person} puts the ${fact.object}.`;
    case "wear":
      return `Dressed in ${articleFor(fact.colour)} ${fact.colour} ${fact.garment} is ${fact.person}.`;
    case "speech":
      return `Quote ${fact.person}, the ${fact.topic} is at ${fact.hour}.`;
    case "display":
      return `The ${fact.device} shows ${fact.time}.`;
    case "activity":
      return `Busy in the ${fact.room} ${fact.person} ${fact.verb}.`;
  }
}

/** What is said aloud, as in the subtitles. */
export function spokenLine(fact: Fact & { kind: "speech" }): string {
  return `The ${fact.topic} is at ${fact.hour}.`;
}

/** The question whose answer is the fact's value. */
export function questionOf(fact: Fact): string {
  switch (fact.kind) {
    case "place":
      return `Where does ${fact.person} put the ${fact.object}?`;
    case "wear":
      return `Which colour is the ${fact.garment} that ${fact.person} is dressed in?`;
    case "speech":
      return `At what time is the ${fact.topic}, according to ${fact.person}?`;
    case "display":
      return `What does the ${fact.device} show?`;
    case "activity":
      return `In which room does ${fact.person} ${verbs[fact.verb]}?`;
  }
}

const firstWords: readonly (readonly [kind: FactKind, sentence: string, question: string])[] = [
  ["place", "On", "Where"],
  ["wear", "Dressed", "Which"],
  ["speech", "Quote", "At"],
  ["display", "The", "What"],
  ["activity", "Busy", "In"],
];

/** The kind of fact in a sentence, by its first word; `null` if it is no sentence of this language. */
export function kindOfSentence(sentence: string): FactKind | null {
  const [word] = sentence.split(" ");
  return firstWords.find(([, first]) => first === word)?.[0] ?? null;
}

/** The kind of fact a question asks for, by its first word; `null` if it is no question of this language. */
export function kindOfQuestion(question: string): FactKind | null {
  const [word] = question.split(" ");
  return firstWords.find(([, , first]) => first === word)?.[0] ?? null;
}

/** An option of a question, in words. */
export function optionOf(kind: FactKind, value: string): string {
  if (kind === "place") return `on the ${value}`;
  if (kind === "activity") return `in the ${value}`;
  return kind === "speech" ? `at ${value}` : value;
}

const articleFor = (word: string) => (/^[aeiou]/.test(word) ? "an" : "a");
