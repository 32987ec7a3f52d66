/**
 * Several samples of one request, in as few calls as the server takes.
 *
 * The first call comes alone: what is refused is learned once, and a server with a prefix cache computes the prompt once.
 * The others follow together, each with a random seed of its own.
 */
import type { GenerateRequest } from "../../engine.ts";

/** One of several calls: how many samples it draws, and how many were drawn before. */
export interface SampleCall {
  readonly n: number;
  readonly before: number;
}

/** The calls that draw `n` samples, `most` at a time at most: as few as possible, of even sizes. */
export function sampleCalls(n: number, most: number, before = 0): SampleCall[] {
  const calls: SampleCall[] = [];
  for (let left = n, count = Math.ceil(n / Math.min(most, n || 1)); count > 0; count--) {
    const size = Math.ceil(left / count);
    calls.push({ n: size, before: before + n - left });
    left -= size;
  }
  return calls;
}

/** The request of one call. Servers count the seeds of its samples up from its own. */
export function sampleRequest(request: GenerateRequest, { n, before }: SampleCall): GenerateRequest {
  const seed = request.sampling?.seed;
  if (seed === undefined || before === 0) return { ...request, n };
  return { ...request, n, sampling: { ...request.sampling, seed: seed + before } };
}
