import { z } from "zod";
import { ConfigError } from "../errors.ts";
import type { PeopleChange, PeopleEvent, PeopleUndo } from "../identity/records.ts";
import { oneLine } from "../util/plain-text.ts";
import { Clocks, moment } from "./shapes.ts";
import { verb } from "./verb.ts";

const number = z.int().positive();
const label = z.string().describe("person_3");

const face = moment.extend({
  face: z.string().describe("id of the face: one person, followed through a clip; or of a voice in a clip"),
  kind: z.enum(["face", "voice"]),
  person: label.optional(),
  maybe: label.optional().describe("whom it may be, where it is not sure"),
  goodFaces: z.int().describe("pictures of it good enough to compare"),
  crop: z.string().optional().describe("hash of its picture"),
  captions: z.array(z.string()).describe("names in print beside it, or that it gave itself"),
});

const person = z.object({
  person: number,
  id: label,
  name: z.string().optional(),
  told: z
    .boolean()
    .describe("whether memories speak of this person: from the fourth good face, or a name, on"),
  faces: z.int(),
  goodFaces: z.int(),
  voices: z.int().describe("clips in which this person's voice was heard"),
  voiceSeconds: z.number().describe("for how long in all"),
  unsureFaces: z.int().describe("faces that may be this person's"),
  streams: z.array(moment.extend({ faces: z.int(), until: z.string() })),
  crop: z.string().optional().describe("hash of a picture of the face"),
  suggestedName: z
    .object({ name: z.string(), face: z.string() })
    .optional()
    .describe(
      "a name in print beside the face or in what is said, and the face; never taken without being asked",
    ),
  maybeSame: z.array(label).describe("people who may be the same"),
});

const change = z.object({
  change: z.int().describe("number of the change, to undo it"),
  at: z.string().describe("wall time, ISO 8601"),
  what: z.string(),
  made: label.optional().describe("a person that it made"),
  undone: z.boolean(),
});

/** Most pictures of faces in one answer. */
const mostPictures = 8;

const input = z.strictObject({
  op: z.enum(["list", "changes", "name", "merge", "split", "reject", "add", "undo"]).default("list"),
  person: number.optional().describe("number of the person"),
  nobody: z.boolean().optional().describe("list: the faces of no one"),
  name: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .describe("name: what the person is called; without it the name goes"),
  people: z.array(number).min(1).max(100).optional().describe("merge: who becomes part of person"),
  faces: z.array(z.string()).min(1).max(1000).optional().describe("split, reject, add: ids of faces"),
  change: number.optional().describe("undo: number of the change; without it the last made by hand"),
  pictures: z
    .boolean()
    .default(false)
    .describe(`list: also show a picture of each person or face, of the first ${mostPictures}`),
});

/** Who is who: lists people known by their faces, and changes what is known. */
export const people = verb({
  name: "people",
  title: "People",
  about:
    "Lists the people whom memory knows by their faces and voices (op list), the faces of one (list with person) or of no one (list with nobody), or the changes made (changes). Or changes them: name, merge (people into person), split and reject (faces of person), add (faces of no one to person), undo. Every change can be undone, and reaches what was written before. Never name anybody by guess.",
  effect: "changes",
  isIdempotent: false,
  input,
  output: z.object({
    people: z.array(person).optional(),
    faces: z.array(face).optional(),
    changes: z.array(change).optional().describe("the newest last"),
    shown: z
      .array(z.string())
      .optional()
      .describe("hashes of the pictures to show, in the order of the list"),
  }),
  async run(memory, asked) {
    const { store } = memory;
    const clocks = await Clocks.of(memory);
    const { op, pictures } = asked;
    const showing = (listed: readonly { readonly crop: string | null }[]) =>
      pictures ? { shown: listed.flatMap(({ crop }) => crop ?? []).slice(0, mostPictures) } : {};
    if (op === "changes") return { changes: (await store.peopleEvents()).map(toChange) };
    if (op === "list" && (asked.person !== undefined || asked.nobody)) {
      const faces = await store.faces(asked.person ?? null);
      return {
        ...showing(faces),
        faces: faces.map(({ id, kind, person, maybe, crop, goodFaces, captions, ...at }) => ({
          ...{ ...clocks.moment(at), face: id, kind, goodFaces, captions: [...captions] },
          ...(person !== null && { person }),
          ...(maybe !== null && { maybe }),
          ...(crop !== null && { crop }),
        })),
      };
    }
    const changed = op === "list" ? null : toChange(await store.changePeople(changeOf(asked)));
    const all = await store.people();
    return {
      ...showing(all),
      people: all.map(({ number, name, crop, suggestedName, streams, maybeSame, ...one }) => ({
        ...{ ...one, person: number, maybeSame: [...maybeSame] },
        streams: streams.map(({ stream, firstSeconds, lastSeconds, faces }) => ({
          ...clocks.moment({ stream, startSeconds: firstSeconds, endSeconds: lastSeconds }),
          ...{ until: clocks.at(stream, lastSeconds), faces },
        })),
        ...(name !== null && { name }),
        ...(crop !== null && { crop }),
        ...(suggestedName && { suggestedName }),
      })),
      ...(changed && { changes: [changed] }),
    };
  },
  text: ({ people = [], faces, changes = [] }) =>
    [
      ...changes.map(({ change, what, undone }) => `${change}. ${what}${undone ? " (undone)" : ""}`),
      ...(faces ?? []).map(
        ({ face, kind, at, stream, person, maybe }) =>
          `[${face}] ${at} ${oneLine(stream)}, ${kind}: ${person ?? (maybe ? `perhaps ${maybe}` : "no one known")}`,
      ),
      ...people.map(personLine),
      ...(people.length + changes.length === 0 && !faces ? ["No one is known by face."] : []),
    ].join("\n"),
});

type Input = z.output<typeof input>;

function personLine({
  id,
  name,
  faces,
  streams,
  suggestedName,
  maybeSame,
  told,
  voices,
}: z.output<typeof person>): string {
  const where = streams.map(({ stream, at, until }) => `${oneLine(stream)} ${at}-${until}`).join(", ");
  return [
    `${id}${name === undefined ? "" : ` ${oneLine(name)}`}: ${faces} faces, ${voices} voices, ${where}`,
    ...(told ? [] : ["seen too little to be spoken of"]),
    ...(suggestedName ? [`beside “${oneLine(suggestedName.name)}”`] : []),
    ...(maybeSame.length > 0 ? [`perhaps also ${maybeSame.join(", ")}`] : []),
  ].join("; ");
}

/** The change that an input asks for. @throws ConfigError `input-invalid` where it does not say enough */
function changeOf({ op, person, name, people: others, faces, change }: Input): PeopleChange | PeopleUndo {
  if (op === "undo") return { kind: op, ...(change !== undefined && { number: change }) };
  const needed = <T>(value: T | undefined, field: string): T => {
    if (value !== undefined) return value;
    throw new ConfigError("input-invalid", `Expected the input of people, got ${op} without \`${field}\``);
  };
  const of = needed(person, "person");
  if (op === "name") return { kind: op, person: of, name: name ?? null };
  if (op === "merge") return { kind: op, into: of, people: needed(others, "people") };
  return { kind: op as "split" | "reject" | "add", person: of, faces: needed(faces, "faces") };
}

function toChange({ number, atMs, change: asked, made, undone }: PeopleEvent): z.output<typeof change> {
  return {
    ...{ change: number, at: new Date(atMs).toISOString(), what: sentenceOf(asked), undone },
    ...(made !== null && { made: `person_${made}` }),
  };
}

/** A change as a sentence. */
function sentenceOf(change: PeopleChange): string {
  const faces =
    "faces" in change ? `${change.faces.length} ${change.faces.length === 1 ? "face" : "faces"}` : "";
  switch (change.kind) {
    case "name":
      return change.name === null
        ? `person_${change.person} has no name`
        : `person_${change.person} is called ${change.name}`;
    case "merge":
      return `${change.people.map((one) => `person_${one}`).join(", ")} merged into person_${change.into}${change.by === "memory" ? ", as the memory found by itself" : ""}`;
    case "split":
      return `${faces} split from person_${change.person}`;
    case "reject":
      return `${faces} rejected: not person_${change.person}`;
    case "add":
      return `${faces} added to person_${change.person}`;
  }
}
