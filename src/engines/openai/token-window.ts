/**
 * Tokens of the calls begun in any minute, kept within a limit, as hosted endpoints count them.
 *
 * A call counts its forecast until what it used is known. Calls begin in the order in which they asked. One that is larger
 * than the limit begins when no other call of the last minute counts: refusing it is up to the server.
 */
import { steadyMs } from "../../util/steady-clock.ts";

/** The last minute of an endpoint. */
export interface TokenWindow {
  /**
   * Waits until a call of this size may begin; returns what replaces its forecast by the tokens it used, 0 if it failed.
   * @throws the signal's reason
   */
  begin(forecastTokens: number, signal?: AbortSignal): Promise<(usedTokens: number) => void>;
}

const minuteMs = 60_000;

/** An empty window. `now` is a clock in milliseconds that does not jump. */
export function openTokenWindow(tokensPerMinute: number, now: () => number = steadyMs): TokenWindow {
  const begun: { readonly atMs: number; tokens: number }[] = [];
  const waiting: { readonly tokens: number; readonly begin: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;

  function fits(tokens: number): boolean {
    while (begun.length > 0 && begun[0]!.atMs <= now() - minuteMs) begun.shift();
    return begun.length === 0 || begun.reduce((sum, call) => sum + call.tokens, tokens) <= tokensPerMinute;
  }

  function admit(): void {
    clearTimeout(timer);
    while (waiting.length > 0 && fits(waiting[0]!.tokens)) waiting.shift()!.begin();
    if (waiting.length > 0) timer = setTimeout(admit, begun[0]!.atMs + minuteMs - now());
  }

  return {
    begin: (forecastTokens, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const call = {
          tokens: forecastTokens,
          begin: () => {
            signal?.removeEventListener("abort", leave);
            const counted = { atMs: now(), tokens: forecastTokens };
            begun.push(counted);
            resolve((usedTokens) => {
              counted.tokens = usedTokens;
              admit();
            });
          },
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(call), 1);
          reject(signal!.reason);
          admit();
        };
        signal?.addEventListener("abort", leave, { once: true });
        waiting.push(call);
        admit();
      }),
  };
}
