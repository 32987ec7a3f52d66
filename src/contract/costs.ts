import { z } from "zod";
import type { SpentDay } from "../memory/memory.ts";
import { verb } from "./verb.ts";

const dayMs = 86_400_000;
/** Days that a forecast is made from. */
const forecastFrom = 7;

const sums = {
  calls: z.int(),
  promptTokens: z.int(),
  completionTokens: z.int(),
  usd: z.number().describe("US dollars of the calls that have a price"),
  unpriced: z.int().describe("calls of which no price is known, which count 0 US dollars"),
};

/** What models cost, and what they will at that rate. */
export const costs = verb({
  name: "costs",
  title: "Costs",
  about:
    "Tells what models were asked and what it cost, by day, stream and purpose, and what thirty days cost at the rate of the last week.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    days: z.int().min(1).max(366).default(30).describe("how many days back, today included"),
  }),
  output: z.object({
    days: z
      .array(
        z.object({
          day: z.string().describe("day of UTC, such as 2026-11-29"),
          stream: z.string().optional().describe("left out for what is of no certain stream"),
          purpose: z.enum(["write", "answer", "learn"]),
          ...sums,
        }),
      )
      .describe("days with any, the earliest first"),
    streams: z
      .array(
        z.object({
          stream: z.string().optional(),
          ...sums,
          perDay: z.object({ tokens: z.number(), usd: z.number() }).optional(),
        }),
      )
      .describe("the same by stream, the dearest first; `perDay` at the rate of the last week"),
    total: z.object(sums),
    forecast: z
      .object({ tokensPerDay: z.number(), usdPerDay: z.number(), usdIn30Days: z.number() })
      .optional()
      .describe("at the rate of the last week; left out before the first hour"),
  }),
  async run(memory, { days }) {
    const nowMs = Date.now();
    const rows = await memory.spent(nowMs - (days - 1) * dayMs);
    const recent = await memory.spent(nowMs - (forecastFrom - 1) * dayMs);
    const length = daysOf(
      recent,
      nowMs,
      (await memory.streams()).map(({ addedAtMs }) => addedAtMs),
    );
    const rate = (some: readonly SpentDay[]) => {
      const { promptTokens, completionTokens, usd } = sumOf(some);
      return { tokens: (promptTokens + completionTokens) / length!, usd: usd / length! };
    };
    const byStream = Map.groupBy(rows, ({ stream }) => stream);
    const recentOf = Map.groupBy(recent, ({ stream }) => stream);
    const all = length === null || recent.length === 0 ? null : rate(recent);
    return {
      days: rows.map(({ stream, ...row }) => ({ ...row, ...(stream !== null && { stream }) })),
      streams: [...byStream]
        .map(([stream, own]) => ({
          ...(stream !== null && { stream }),
          ...sumOf(own),
          ...(length !== null && { perDay: rate(recentOf.get(stream) ?? []) }),
        }))
        .sort((a, b) => b.usd - a.usd || tokensOf(b) - tokensOf(a)),
      total: sumOf(rows),
      ...(all && { forecast: { tokensPerDay: all.tokens, usdPerDay: all.usd, usdIn30Days: 30 * all.usd } }),
    };
  },
  text: ({ total, forecast }) =>
    total.calls === 0
      ? "No model was asked."
      : [
          `${total.calls} calls, ${tokensOf(total)} tokens, $${total.usd.toFixed(4)}${total.unpriced > 0 ? `; the price of ${total.unpriced} calls is unknown` : ""}`,
          ...(forecast ? [`at this rate $${forecast.usdIn30Days.toFixed(2)} in 30 days`] : []),
        ].join("\n"),
});

type Sums = Pick<SpentDay, "calls" | "promptTokens" | "completionTokens" | "usd" | "unpriced">;

const tokensOf = ({ promptTokens, completionTokens }: Sums) => promptTokens + completionTokens;

function sumOf(rows: readonly Sums[]): Sums {
  const sum = (of: keyof Sums) => rows.reduce((all, row) => all + row[of], 0);
  return {
    ...{ calls: sum("calls"), promptTokens: sum("promptTokens"), completionTokens: sum("completionTokens") },
    ...{ usd: sum("usd"), unpriced: sum("unpriced") },
  };
}

/** Days that the recent costs are of: since the memory has streams, at most a week; `null` before the first hour. */
function daysOf(recent: readonly SpentDay[], nowMs: number, addedAtMs: readonly number[]): number | null {
  const addedMs = Math.min(nowMs, ...addedAtMs);
  // Streams that cost something may be forgotten.
  const firstMs = Math.min(...recent.map(({ day }) => Date.parse(day)));
  const sinceMs = firstMs + dayMs <= addedMs ? firstMs : addedMs;
  const weekMs = Date.parse(new Date(nowMs - (forecastFrom - 1) * dayMs).toISOString().slice(0, 10));
  const length = (nowMs - Math.max(sinceMs, weekMs)) / dayMs;
  return length > 1 / 24 ? length : null;
}
