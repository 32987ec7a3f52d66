/**
 * People in texts of memory. A text is kept with references, `[person:person_1f2e…]`, and shown with names: that of whom the
 * face in its clip belongs to now, so that a name, a merge and a split reach what was written before.
 */
import { endOf } from "./change.ts";
import type { KnownOne, PeopleState } from "./records.ts";
import { labelOf } from "./see.ts";

/** Where a text was written. */
export interface Written {
  readonly stream: string;
  readonly clip: number;
}

const label = /\[person_(\d+)\]/g;
const reference = /\[person:(person_[0-9a-f]+)\]/g;

/** What stands at a place of a text for whom no one can name. */
export const someoneAt = (text: string, place: number): string =>
  /(^|[.!?]["”']?\s+)$/.test(text.slice(0, place)) ? "Someone" : "someone";

/** A text with references in place of labels; `null` where it has none. A number that is no one's becomes "someone". */
export function referring(text: string, people: readonly KnownOne[]): string | null {
  if (!label.test(text)) return null;
  label.lastIndex = 0;
  return text.replace(label, (_, number: string, place: number) => {
    const one = people.find((known) => known.number === Number(number));
    return one ? `[person:${one.id}]` : someoneAt(text, place);
  });
}

/** A text with names in place of references. */
export function rendered(told: string, at: Written, state: PeopleState): string {
  return told.replace(reference, (_, id: string, place: number) => {
    const one = whoIs(id, at, state);
    return one ? (one.name ?? `[${labelOf(one)}]`) : someoneAt(told, place);
  });
}

/** Who someone of whom a text of a clip told is now; `null` where that is not known. */
function whoIs(id: string, { stream, clip }: Written, { people, faces }: PeopleState): KnownOne | null {
  const seen = faces.filter((face) => face.told === id && face.stream === stream && face.clip === clip);
  const now = [...new Set(seen.map(({ person }) => person))];
  const told = people.find((one) => one.id === id);
  const end = told ? endOf(told, people) : null;
  // Where only some of the faces became another's, the text stays with whom it was written about.
  if (now.length === 0 || now.includes(end?.id ?? null)) return end;
  const [first] = now;
  const found = first == null ? undefined : people.find((one) => one.id === first);
  return found ? endOf(found, people) : null;
}
