/**
 * The time limit of one attempt: the longest silence.
 *
 * It starts again whenever something comes. What only keeps the connection alive, such as a comment of a server that has
 * the request in its queue, prolongs the wait too, but not for ever: without anything new the attempt ends after ten
 * times the limit.
 */

/** Watches over one attempt. */
export interface Silence {
  /** Aborted when the limit is exceeded. */
  readonly signal: AbortSignal;
  /** Something came; `isNew` if it is more than a sign of life. */
  heard(isNew: boolean): void;
  /** What ended the attempt, as a message says it after the endpoint's name; `null` while nothing did. */
  verdict(): string | null;
  /** Stops watching. */
  close(): void;
}

/** The longest time a timer takes, some 24 days. */
const longestTimerMs = 2 ** 31 - 1;
/** How many times the limit an attempt may take while nothing but signs of life come. */
const patience = 10;

/** Starts to watch. `now` is a clock in milliseconds that does not jump. */
export function openSilence(limitMs: number, now: () => number = () => performance.now()): Silence {
  const control = new AbortController();
  const seconds = (ms: number) => `${ms / 1000} s`;
  let newAtMs = now();
  let hasBegun = false;
  let verdict: string | null = null;
  let timer: NodeJS.Timeout;

  function wait(): void {
    const patienceMs = newAtMs + patience * limitMs - now();
    const isPatient = patienceMs < limitMs;
    timer = setTimeout(
      () => {
        verdict = isPatient
          ? `kept the connection alive for ${seconds(patience * limitMs)} and wrote nothing`
          : hasBegun
            ? `stopped in the middle of its answer: nothing came for ${seconds(limitMs)}`
            : `did not answer within ${seconds(limitMs)}`;
        control.abort();
      },
      Math.min(longestTimerMs, Math.max(0, isPatient ? patienceMs : limitMs)),
    );
  }

  wait();
  return {
    signal: control.signal,
    heard: (isNew) => {
      if (isNew) {
        newAtMs = now();
        hasBegun = true;
      }
      clearTimeout(timer);
      wait();
    },
    verdict: () => verdict,
    close: () => clearTimeout(timer),
  };
}
