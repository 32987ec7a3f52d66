/** A clip's own lines as memories: true by construction, because they say what was said. */
import { type Observation, sourceTexts } from "../perception/observation.ts";
import type { Context } from "../policy/policy.ts";
import { promptMarks } from "../policy/prompts.ts";
import { type Random, shuffle } from "../util/random.ts";

/** What was said and captioned in a clip, a text a line, as a prompt words it. On-screen text may be a reading error. */
export function ownLines(observation: Observation): string[] {
  const lines = sourceTexts(observation).flatMap(({ kind, speaker, text }) => {
    if (kind === "screen") return [];
    return [kind === "speech" ? `${speaker ?? "somebody"}${promptMarks.says}${text}` : text];
  });
  return [...new Set(lines)];
}

/**
 * Some memories made of a line of the decided clip, then of two neighbouring ones, each in an order of the random numbers.
 * Single lines come first: a pair is longer, and length is not what a lesson is about.
 */
export function lineMemories({ observations }: Context, most: number, random: Random): string[] {
  const lines = ownLines(observations[0]!);
  const doubles = lines.slice(1).map((line, i) => `${lines[i]!} ${line}`);
  return [...shuffle(random, lines), ...shuffle(random, doubles)].slice(0, most);
}
