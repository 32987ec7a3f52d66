/** What a model wrote about a clip as an action: read, and, where it is usable, with its evidence. */
import type { Completion } from "../../engine.ts";
import type { EntryKind, Statement } from "../../memory/memory.ts";
import { foldName, mentions } from "../../memory/names.ts";
import { type Observation, sourceTexts } from "../../perception/observation.ts";
import { knownPeople, taggedIds } from "../../policy/identity-tags.ts";
import { type ActionContract, type Asked, parseLeniently } from "../../policy/parse-action.ts";
import { evenlySpaced } from "../../policy/pictures.ts";
import type { Action, Context } from "../../policy/policy.ts";
import { storedText } from "../../policy/window-people.ts";

/** Key frames kept as evidence of an entry; all of a clip's would be a gigabyte a day. */
const mostEvidenceFrames = 3;

/** How a completion is read. */
export interface ReadOptions extends Omit<ActionContract, "known"> {
  readonly asked: Asked;
  readonly revision: string;
  /** The part of its text that is read. @default all of it */
  readonly kept?: string;
}

/** The action of a completion about the clip of `context`. Unusable text is an action with issues. */
export function actionOf(completion: Completion, context: Context, options: ReadOptions): Action {
  const { text, tokens, finish } = completion;
  const contract = { ...options, known: knownPeople(context) };
  const { description, knowledge, issues } = parseLeniently(
    options.kept ?? text,
    contract,
    options.kept === undefined && finish === "length",
    options.asked,
  );
  const statement = (kind: EntryKind) => (written: string) => statementOf(written, kind, context);
  const episodic = description === "" ? [] : [statement("episodic")(description)];
  return {
    text: withThinking(completion),
    statements: issues.length > 0 ? [] : [...episodic, ...knowledge.map(statement("semantic"))],
    logprobs: tokens && {
      ...{ tokens: tokens.texts, values: tokens.logprobs },
      ...(tokens.ids && { ids: tokens.ids }),
    },
    ...(completion.handle !== undefined && { handle: completion.handle }),
    revision: options.revision,
    issues,
  };
}

/** The raw text: reasoning that the engine returned separately stands before the answer again, as the model wrote it. */
function withThinking({ text, thinking }: Completion): string {
  return thinking === null || thinking.trim() === "" ? text : `<think>${thinking}</think>\n\n${text}`;
}

/** A text about the clip, with all that was heard and read in it and a few of its frames as evidence. */
export function statementOf(text: string, kind: EntryKind, context: Context): Statement {
  const observation = context.observations[0]!;
  const { clip, startSeconds, endSeconds } = observation;
  return {
    clip,
    kind,
    startSeconds,
    endSeconds,
    ...storedText(text, context),
    speakers: peopleNamed(text, context),
    sources: sourceTexts(observation),
    frameSeconds: keyFrames(observation),
  };
}

/** Names of the people a text names or tags; the id where a person has no name. */
function peopleNamed(text: string, context: Context): string[] {
  const { observations, recent } = context;
  const people = [...recent.observations, ...observations].flatMap((observation) => observation.people);
  const nameOf = new Map(people.map(({ id, name }) => [id, name ?? id]));
  for (const { tag, id, name } of context.tags ?? []) nameOf.set(tag, name ?? id);
  const known = knownPeople(context);
  const names = new Set([...known.speakers, ...people.flatMap(({ name }) => name ?? [])]);
  return [
    ...new Set([
      ...[...names].filter((name) => mentions(text, foldName(name))),
      ...taggedIds(text, known).map((id) => nameOf.get(id)!),
    ]),
  ];
}

/** Moments of a few frames, evenly spaced over the clip. */
function keyFrames({ frames }: Observation): number[] {
  return evenlySpaced(frames, mostEvidenceFrames).map(({ atSeconds }) => atSeconds);
}
