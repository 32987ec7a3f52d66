/**
 * How fast answers come: progress of those that take long, and the speed measured on those that came.
 *
 * llama-server times itself; of other servers the clock is read where they stream: up to the first text and from there to
 * the last.
 */
import type { ModelProgress, ModelSpeed, OnProgress } from "../../engine.ts";
import type { ChatAnswer } from "./chat.ts";
import type { ChatStream } from "./chat-stream.ts";

/** What is read of an answer that comes. */
export type ComingAnswer = Pick<ChatStream, "sentAtMs" | "firstAtMs" | "lastAtMs" | "tokens" | "prompt">;

/** The pace of one model. */
export interface Pace {
  /** Does work that an answer comes in, and reports it while it takes long. */
  watch<T>(answer: ComingAnswer, work: () => Promise<T>): Promise<T>;
  /** Takes the times of an answer that has come. */
  learn(coming: ComingAnswer, answer: ChatAnswer): void;
  speed(): ModelSpeed;
}

/** An answer takes long from here on, in milliseconds. */
const longMs = 10_000;
const reportEveryMs = 1000;

/** The pace of a model by its id. `now` is the clock of `ChatStream`. */
export function openPace(
  model: string,
  onProgress: OnProgress | undefined,
  now: () => number = () => performance.now(),
): Pace {
  const coming = new Set<ComingAnswer>();
  let timer: NodeJS.Timeout | undefined;
  const read = { tokens: 0, ms: 0 };
  const written = { tokens: 0, ms: 0 };

  function report(): void {
    const progress = progressOf(model, [...coming], now());
    if (progress.elapsedMs >= longMs) onProgress?.(progress);
  }

  return {
    watch: async (answer, work) => {
      coming.add(answer);
      timer ??= setInterval(report, reportEveryMs).unref();
      try {
        return await work();
      } finally {
        coming.delete(answer);
        if (coming.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      }
    },
    learn: ({ sentAtMs, firstAtMs, lastAtMs }, { timings, promptTokens, completionTokens, completions }) => {
      if (timings) {
        add(read, timings.prompt_n, timings.prompt_ms);
        add(written, timings.predicted_n, timings.predicted_ms);
      } else if (firstAtMs !== null) {
        add(read, promptTokens ?? 0, firstAtMs - sentAtMs);
        // The first token of each answer is what the clock starts at.
        add(written, (completionTokens ?? 0) / completions.length - 1, lastAtMs! - firstAtMs);
      }
    },
    speed: () => ({ promptPerSecond: perSecond(read), writtenPerSecond: perSecond(written) }),
  };
}

function progressOf(model: string, coming: readonly ComingAnswer[], nowMs: number): ModelProgress {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const writing = coming.filter(({ firstAtMs }) => firstAtMs !== null);
  const reading = coming.flatMap(({ firstAtMs, prompt }) => (firstAtMs === null && prompt ? [prompt] : []));
  const rates = writing.map(({ tokens, firstAtMs }) => perSecond({ tokens, ms: nowMs - firstAtMs! }) ?? 0);
  return {
    model,
    calls: coming.length,
    elapsedMs: Math.max(0, ...coming.map(({ sentAtMs }) => nowMs - sentAtMs)),
    prompt:
      reading.length === 0
        ? null
        : {
            processed: sum(reading.map(({ processed }) => processed)),
            total: sum(reading.map(({ total }) => total)),
          },
    tokens: sum(coming.map(({ tokens }) => tokens)),
    tokensPerSecond: writing.length === 0 ? null : sum(rates),
  };
}

interface Span {
  tokens: number;
  ms: number;
}

/** Adds to a span what took a measurable time. */
function add(span: Span, tokens: number, ms: number): void {
  if (tokens <= 0 || ms <= 0) return;
  span.tokens += tokens;
  span.ms += ms;
}

function perSecond({ tokens, ms }: Span): number | null {
  return ms > 0 ? (tokens / ms) * 1000 : null;
}
