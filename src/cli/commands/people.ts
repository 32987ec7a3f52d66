/** `taskmem people`: who is who. Lists people known by their faces, and changes what is known; every change can be undone. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { call, verbs } from "../../contract/index.ts";
import { ConfigError } from "../../errors.ts";
import type { TaskMem } from "../../taskmem.ts";
import { makeDirectory } from "../../util/directory.ts";
import { oneLine } from "../../util/plain-text.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";
import { counted, type Output } from "../output.ts";

type Input = z.input<typeof verbs.people.input>;

/** What `taskmem people` does, by name: from its arguments to the input of the verb. */
export const actions = {
  list: ([of]) =>
    of === undefined ? {} : /^no(?:body| ?one)$/i.test(of) ? { nobody: true } : { person: numberOf(of) },
  changes: () => ({ op: "changes" }),
  name: ([person, name]) => ({ op: "name", person: numberOf(person!), ...(name !== undefined && { name }) }),
  merge: ([into, ...people]) => ({ op: "merge", person: numberOf(into!), people: people.map(numberOf) }),
  split: ([person, ...faces]) => ({ op: "split", person: numberOf(person!), faces }),
  reject: ([person, ...faces]) => ({ op: "reject", person: numberOf(person!), faces }),
  add: ([person, ...faces]) => ({ op: "add", person: numberOf(person!), faces }),
  undo: ([change]) => ({ op: "undo", ...(change !== undefined && { change: numberOf(change) }) }),
} satisfies Record<string, (words: readonly string[]) => Input>;

export async function run(
  invocation: Invocation,
  name: keyof typeof actions,
  ...words: readonly (string | readonly string[] | undefined)[]
): Promise<void> {
  const { output, options } = invocation;
  const input: Input = actions[name](words.flat().filter((word) => word !== undefined));
  const isRead = name === "list" || name === "changes";
  await using memory = await openFor(invocation, { mustExist: true, readOnly: isRead ? "if-needed" : false });
  const found = (await call(memory, verbs.people, input)).output;
  const { pictures } = options as { readonly pictures?: string };
  if (pictures !== undefined) await writePictures(memory, found, pictures);
  print(output, found, name);
}

/** `3` or `person_3`. @throws ConfigError `input-invalid` */
function numberOf(text: string): number {
  const digits = /^(?:person_)?([1-9]\d*)$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new ConfigError("input-invalid", `Expected a number such as 3 or person_3, got ${text}`);
}

type Found = z.output<typeof verbs.people.output>;

function print(output: Output, { people, faces, changes }: Found, name: keyof typeof actions): void {
  for (const change of changes ?? []) {
    output.object({ event: "people-change", ...change });
    const made = change.made === undefined ? "" : `, as ${change.made}`;
    output.text(`${change.change}. ${change.what}${made}${change.undone ? output.dim(" (undone)") : ""}`);
  }
  if (changes?.length === 0) output.note("nothing was changed by hand");
  for (const face of faces ?? []) {
    output.object(face);
    const who = face.person ?? (face.maybe === undefined ? "no one known" : `perhaps ${face.maybe}`);
    const beside =
      face.captions.length === 0
        ? ""
        : `, ${face.kind === "voice" ? "called" : "beside"} “${face.captions.map(oneLine).join("”, “")}”`;
    output.text(
      `${output.dim(face.face)}  ${face.at}  ${oneLine(face.stream)}  ${who}, ${face.kind === "voice" ? "a voice" : counted(face.goodFaces, "good picture")}${beside}`,
    );
  }
  if (faces?.length === 0) output.note("no faces");
  // A change has said what it did.
  if (name !== "list" && name !== "changes") return;
  for (const person of people ?? []) {
    output.object(person);
    for (const line of personLines(person, output)) output.text(line);
  }
  if (people?.length === 0)
    output.note("no one is known by face: `taskmem watch SOURCE --people` tells people apart");
}

function personLines(person: NonNullable<Found["people"]>[number], output: Output): string[] {
  const { id, name, faces, streams, suggestedName, maybeSame, told, unsureFaces, person: number } = person;
  const { voices, voiceSeconds } = person;
  const where = streams.map(({ stream, at, until }) => `${oneLine(stream)} ${at} to ${until}`).join(", ");
  const hints = [
    ...(told ? [] : ["seen too little to be spoken of yet"]),
    ...(unsureFaces > 0 ? [`${counted(unsureFaces, "face")} may be the same person`] : []),
    ...(suggestedName
      ? [
          `“${oneLine(suggestedName.name)}” stands beside the face, or is how the source calls the voice: taskmem people name ${number} "${oneLine(suggestedName.name)}"`,
        ]
      : []),
    ...maybeSame.map(
      (other) => `may be ${other}: taskmem people merge ${number} ${other.replace("person_", "")}`,
    ),
  ];
  const heard = voices === 0 ? "" : `, heard ${counted(voices, "time")} for ${voiceSeconds} s`;
  const lines = [
    `${id}${name === undefined ? "" : `  ${name}`}  ${counted(faces, "face")}${heard}, ${where}`,
  ];
  return [...lines, ...hints.map((hint) => output.dim(`  ${hint}`))];
}

/** One JPEG a person, or a face. */
async function writePictures(
  { store }: TaskMem,
  { people = [], faces = [] }: Found,
  folder: string,
): Promise<void> {
  makeDirectory(folder);
  const named = [
    ...people.map(({ id, crop }) => ({ name: id, crop })),
    ...faces.map(({ face, crop }) => ({ name: face, crop })),
  ];
  for (const { name, crop } of named) {
    const jpeg = crop === undefined ? null : await store.blob(crop);
    if (jpeg) writeFileSync(join(folder, `${name}.jpg`), jpeg, { mode: 0o600 });
  }
}
