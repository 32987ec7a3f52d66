/**
 * Whether a server applies an adapter: servers ignore fields that they do not know, and vectors of a wrong width, and
 * answer as if nothing had been asked.
 *
 * A short greedy answer without an adapter is compared with one at strength 0, which has to be equal, and with one at
 * many times the strength, which has to differ. Where there is no such dial, the adapter as it is has to differ. A server
 * that fails at the adapter and answers without it does not take that adapter: vLLM answers 500 to a block that the model
 * does not have.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import type { Completion } from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import type { AdapterFields, Steering } from "./steering.ts";

/** A short greedy answer to a fixed prompt, with these fields in its body. */
export type AskWith = (fields: AdapterFields) => Promise<Completion>;

/** Nats by which the first token's log-probability may differ between two requests that are the same. */
const sameWithin = 0.02;
/** An adapter as it is used is a share of the stream; this many times of it no text survives. */
const largeFactor = 200;

/**
 * @throws ConfigError `adapter-ignored` where the server does not apply the adapter as it should, `adapter-unsupported` where
 * it refuses or fails at it alone
 */
export async function probeAdapter(steering: Steering, adapter: Adapter, ask: AskWith): Promise<void> {
  const none = await steering.scaled(adapter, 0);
  const large = await steering.scaled(adapter, largeFactor);
  const plain = await ask(await steering.fields(null));
  const withAdapter = async (fields: AdapterFields) => {
    try {
      return await ask(fields);
    } catch (error) {
      if (!isOfRequest(error)) throw error;
      await ask(await steering.fields(null)); // a server that is ill fails here too
      throw new ConfigError(
        "adapter-unsupported",
        `Expected an adapter that fits the model, got ${adapter.revision}: the server answers ${error.status} with it, and answers without it. It says: ${error.details.said}. Check that the adapter was made for this model: its blocks and width.`,
        { cause: error },
      );
    }
  };
  const ignored = (what: string) =>
    new ConfigError(
      "adapter-ignored",
      `The server ignores the adapter ${adapter.revision}: ${what}. Check --steering, the server's plug-in and its log, and that the vector has the width of the model${adapter.kind === "vector" ? ` (it has ${adapter.dimension} numbers)` : ""}.`,
    );
  if (none === null || large === null) {
    const steered = await withAdapter(await steering.fields(adapter));
    if (isSame(plain, steered)) throw ignored("with it, it answers as without");
    return;
  }
  if (isSame(plain, await withAdapter(large)))
    throw ignored(`at ${largeFactor} times its strength, it answers as without`);
  if (!isSame(plain, await withAdapter(none)))
    throw new ConfigError(
      "adapter-ignored",
      `At strength 0 the adapter ${adapter.revision} changes what the server answers, so its strength is not applied as it should be. Check --steering and the server's log.`,
    );
}

/** Whether a server's answer may be about what was sent: a refusal, or a failure that came again. */
function isOfRequest(error: unknown): error is EngineError {
  if (!(error instanceof EngineError)) return false;
  return error.status === 500 || (!error.isRetryable && [400, 422].includes(error.status ?? 0));
}

function isSame(a: Completion, b: Completion): boolean {
  const [first, second] = [a.tokens?.logprobs[0], b.tokens?.logprobs[0]];
  const isClose = first === undefined || second === undefined || Math.abs(first - second) < sameWithin;
  return a.text === b.text && isClose;
}
