/**
 * A chat request that failed, as it is sent again: never the same greedy request twice where the failure was the model's
 * own, because it would fail in the same way.
 *
 * What did not reach the model (429, 503 while it loads, a refused connection, 502 and 504 of a proxy) is sent again as
 * it is. After a time-out half as many tokens are allowed; after a further one, or where there is no limit to halve, and
 * after an answer that could not be used (500, a body that is cut or no completion) the draw is another: a greedy request
 * is sent at temperature 0.6, and one with a random seed with another seed. A request is greedy at temperature 0 and
 * where one token is left to choose from (`top_k` 1); without a temperature servers draw by their own, which is not greedy.
 */
import { EngineError } from "../../errors.ts";

type Body = Readonly<Record<string, unknown>>;

const drawnTemperature = 0.6;
/** A limit is not halved below this many tokens. */
const leastTokens = 256;
/** Far from the seeds of samples that are drawn one by one. */
const seedStep = 100_003;

/** The body of a chat request after failures of the same call. */
export function repeatedBody(body: Body, failures: readonly EngineError[]): Body {
  const timeouts = failures.filter(({ code }) => code === "timeout").length;
  const shorter = timeouts > 0 ? halvedLimit(body) : null;
  const draws = failures.filter(isUnusable).length + timeouts - (shorter ? 1 : 0);
  return { ...body, ...shorter, ...(draws > 0 && otherDraw(body, draws)) };
}

/**
 * The body of a probe, the same each time: another draw would differ for its own sake. What fails with a 500 a second time
 * would fail again.
 * @throws EngineError the last failure, as a final one
 */
export function probeBody(body: Body, failures: readonly EngineError[]): Body {
  const failed = failures.filter(({ status }) => status === 500);
  if (failed.length < 2) return body;
  const { code, message, status, details } = failed.at(-1)!;
  throw new EngineError(code, message, { status, details });
}

/** Whether the model answered, and what came could not be used. */
function isUnusable({ code, status, details }: EngineError): boolean {
  return code === "bad-response" || status === 500 || details.hasBegun === true;
}

function halvedLimit(body: Body): Body | null {
  const name = ["max_tokens", "max_completion_tokens"].find((name) => Number(body[name]) > leastTokens);
  return name === undefined ? null : { [name]: Math.max(leastTokens, Math.floor(Number(body[name]) / 2)) };
}

function otherDraw({ temperature, top_k, seed }: Body, draws: number): Body {
  return {
    ...((temperature === 0 || top_k === 1) && { temperature: drawnTemperature }),
    ...(top_k === 1 && { top_k: undefined }),
    ...(typeof seed === "number" && { seed: seed + draws * seedStep }),
  };
}
