/** A stream longer than observations are kept, in which one person says words that no one else says. */
import { wordSpace } from "../../src/engines/local/index.ts";
import type { Memory } from "../../src/memory/memory.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { choicePolicy } from "../../src/policies/choice/choice.ts";
import { stateAfter } from "../../src/policy/state.ts";
import { addTestStream, observationOf } from "./memory.ts";

/** The person to forget. The name is a word of no other text. */
export const guest = "Zanzibarrel";
/** Words that only the guest says, two in each of these clips, in the form that texts and counts keep. */
export const guestWords: ReadonlyMap<number, readonly [string, string]> = new Map([
  [3, ["frobnitz", "oubliettom"]],
  [100, ["quuxolith", "gloopstar"]],
  [101, ["snarkwom", "plimforth"]],
  [450, ["blivetron", "dwarnik"]],
  [799, ["wibblefax", "zorptang"]],
]);
const places = ["kitchen", "garden", "cellar", "hall", "attic", "porch", "street"];

/** Everyone's lines of a clip; in the guest's clips Ann speaks too. */
function speechOf(clip: number): Observation["speech"] {
  const line = (offset: number, speaker: string, text: string) => {
    const startSeconds = clip * 10 + offset;
    return { startSeconds, endSeconds: startSeconds + 1, text, speaker };
  };
  const rare = guestWords.get(clip);
  return [
    line(0, "Ann", `The ${places[clip % places.length]} has lamp ${clip % 11}`),
    ...(rare === undefined ? [] : [line(2, guest, `My ${rare[0]} has no ${rare[1]}`)]),
    ...(clip % 2 === 0 ? [line(4, "Bob", `The dog saw the ${places[clip % 5]}`)] : []),
  ];
}

/** Watches the stream `guests` with the choice policy, which keeps few of the lines. */
export async function watchGuests(memory: Memory, clips: number): Promise<void> {
  await addTestStream(memory, "guests");
  const policy = choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 8 } });
  const span = policy.clipsPerDecision;
  let state = await memory.policyState(policy.id, "guests");
  for (let first = 0; first < clips; first += span) {
    const count = Math.min(span, clips - first);
    const observations = Array.from({ length: count }, (_, i) =>
      observationOf("guests", first + i, { speech: speechOf(first + i) }),
    );
    for (const observation of observations) await memory.addObservation(observation);
    const context = { observations, recent: { observations: [], entries: [] }, state };
    const [action] = (await policy.decide(context)).actions;
    const stateChange = policy.advance(context, action!);
    const decided = { stream: "guests", clips: observations.map(({ clip }) => clip), policy: policy.id };
    await memory.commit({
      ...decided,
      revision: policy.revision,
      statements: action!.statements,
      stateChange,
    });
    state = stateAfter(state, stateChange);
  }
}

/** How many lines of others hold each word; equal lines of one decision are one. */
export function countsOfOthers(clips: number, span = 3): { documents: number; words: Map<string, number> } {
  const words = new Map<string, number>();
  let documents = 0;
  for (let first = 0; first < clips; first += span) {
    const texts = new Set<string>();
    for (let clip = first; clip < Math.min(clips, first + span); clip++)
      for (const { speaker, text } of speechOf(clip)) if (speaker !== guest) texts.add(text);
    documents += texts.size;
    for (const text of texts)
      for (const stem of new Set(wordSpace.stems(text))) words.set(stem, (words.get(stem) ?? 0) + 1);
  }
  return { documents, words };
}
