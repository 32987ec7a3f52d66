/**
 * Whether a server applies an adapter: servers ignore fields that they do not know, and vectors of a wrong width, and
 * answer as if nothing had been asked.
 *
 * A short greedy answer without an adapter is compared with one at strength 0, which has to be equal, and with one at
 * many times the strength, which has to differ. Where there is no such dial, the adapter as it is has to differ.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import type { Completion } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import type { AdapterFields, Steering } from "./steering.ts";

/** A short greedy answer to a fixed prompt, with these fields in its body. */
export type AskWith = (fields: AdapterFields) => Promise<Completion>;

/** Nats by which the first token's log-probability may differ between two requests that are the same. */
const sameWithin = 0.02;
/** An adapter as it is used is a share of the stream; this many times of it no text survives. */
const largeFactor = 200;

/** @throws ConfigError `adapter-ignored` where the server does not apply the adapter as it should */
export async function probeAdapter(steering: Steering, adapter: Adapter, ask: AskWith): Promise<void> {
  const none = await steering.scaled(adapter, 0);
  const large = await steering.scaled(adapter, largeFactor);
  const plain = await ask(await steering.fields(null));
  const ignored = (what: string) =>
    new ConfigError(
      "adapter-ignored",
      `The server ignores the adapter ${adapter.revision}: ${what}. Check --steering, the server's plug-in and its log, and that the vector has the width of the model${adapter.kind === "vector" ? ` (it has ${adapter.dimension} numbers)` : ""}.`,
    );
  if (none === null || large === null) {
    const steered = await ask(await steering.fields(adapter));
    if (isSame(plain, steered)) throw ignored("with it, it answers as without");
    return;
  }
  if (isSame(plain, await ask(large)))
    throw ignored(`at ${largeFactor} times its strength, it answers as without`);
  if (!isSame(plain, await ask(none)))
    throw new ConfigError(
      "adapter-ignored",
      `At strength 0 the adapter ${adapter.revision} changes what the server answers, so its strength is not applied as it should be. Check --steering and the server's log.`,
    );
}

function isSame(a: Completion, b: Completion): boolean {
  const [first, second] = [a.tokens?.logprobs[0], b.tokens?.logprobs[0]];
  const isClose = first === undefined || second === undefined || Math.abs(first - second) < sameWithin;
  return a.text === b.text && isClose;
}
