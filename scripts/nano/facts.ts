/** Every fact that can be true in a household, and the words that distinguish the strips showing them. */

import { encode, idOf, none } from "../../src/engines/nano/vocabulary.ts";
import {
  colours,
  devices,
  displayHours,
  displayMinutes,
  type Fact,
  garments,
  hours,
  objects,
  people,
  places,
  rooms,
  topics,
  type Verb,
  verbs,
} from "../../src/household/language.ts";

/** All facts, in one fixed order per language. */
export function allFacts(): Fact[] {
  return [
    ...people.flatMap((person) =>
      objects.flatMap((object) => places.map((place) => ({ kind: "place" as const, person, object, place }))),
    ),
    ...people.flatMap((person) =>
      garments.flatMap((garment) =>
        colours.map((colour) => ({ kind: "wear" as const, person, garment, colour })),
      ),
    ),
    ...people.flatMap((person) =>
      topics.flatMap((topic) => hours.map((hour) => ({ kind: "speech" as const, person, topic, hour }))),
    ),
    ...devices.flatMap((device) =>
      displayHours.flatMap((hour) =>
        displayMinutes.map((minutes) => ({ kind: "display" as const, device, time: `${hour}:${minutes}` })),
      ),
    ),
    ...people.flatMap((person) =>
      (Object.keys(verbs) as Verb[]).flatMap((verb) =>
        rooms.map((room) => ({ kind: "activity" as const, person, verb, room })),
      ),
    ),
  ];
}

/**
 * Ids of the words a strip shows: the first word of its kind's sentence, then what is seen. Of speech only the speaker
 * is seen; an empty strip shows `none`.
 */
export function stripWords(fact: Fact | null): number[] {
  switch (fact?.kind) {
    case undefined:
      return [none];
    case "place":
      return ["On", fact.person, fact.object, fact.place].map(idOf);
    case "wear":
      return ["Dressed", fact.person, fact.garment, fact.colour].map(idOf);
    case "speech":
      return ["Quote", fact.person].map(idOf);
    case "display":
      return [idOf("The"), idOf(fact.device), ...encode(fact.time)];
    case "activity":
      return ["Busy", fact.person, fact.verb, fact.room].map(idOf);
  }
}

/** A name for the look of a strip: facts that look the same share it. */
export function stripKey(fact: Fact | null): string {
  return stripWords(fact).join(" ");
}
