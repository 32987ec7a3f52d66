/**
 * What a call costs: by the server's own figure where the answer carries one, otherwise by a price table.
 *
 * OpenRouter, and LiteLLM for streams, write US dollars into `usage.cost`; LiteLLM otherwise into the header
 * `x-litellm-response-cost`. With a key of the user's own at the provider, OpenRouter's `cost` is its fee alone, and
 * `cost_details` has the provider's price.
 */
import { z } from "zod";

/** US dollars for what a model reads, writes or hears. What has no price here makes the price of a call unknown. */
export interface Prices {
  readonly promptPerMillion?: number | undefined;
  /** For tokens of the prompt that the server had computed before. @default promptPerMillion */
  readonly cachedPromptPerMillion?: number | undefined;
  readonly completionPerMillion?: number | undefined;
  /** For a minute of sound; used in place of prices for tokens. */
  readonly soundPerMinute?: number | undefined;
}

/** What one call used, counted or forecast. */
export interface Use {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Sound that was listened to. @default none */
  readonly soundSeconds?: number;
}

/** What an answer says about its own price. */
export interface PriceFigures {
  /** US dollars; `null` where the server does not say. */
  readonly usd: number | null;
  /** Tokens of the prompt that the server had computed before. */
  readonly cachedTokens: number;
}

/** US dollars of a use; `null` where the table lacks a price for a part of it. */
export function tablePrice(prices: Prices, use: Use, cachedTokens = 0): number | null {
  const { promptPerMillion, cachedPromptPerMillion = promptPerMillion, completionPerMillion } = prices;
  const { promptTokens, completionTokens, soundSeconds } = use;
  if (soundSeconds !== undefined && prices.soundPerMinute !== undefined)
    return (soundSeconds / 60) * prices.soundPerMinute;
  const cached = Math.min(cachedTokens, promptTokens);
  const parts = [
    [promptTokens - cached, promptPerMillion],
    [cached, cachedPromptPerMillion],
    [completionTokens, completionPerMillion],
  ] as const;
  const used = parts.filter(([tokens]) => tokens > 0);
  if (used.length === 0 || used.some(([, price]) => price === undefined)) return null;
  return used.reduce((sum, [tokens, price]) => sum + tokens * price!, 0) / 1e6;
}

/** Dollars of one call beyond this are no price. */
const dollars = z.number().min(0).max(1e6);
const usd = dollars.nullish().catch(null);
const tokens = z.number().min(0).max(1e9).nullish().catch(null);

const figuresSchema = z.object({
  usage: z
    .object({
      cost: usd,
      is_byok: z.boolean().nullish().catch(null),
      cost_details: z.object({ upstream_inference_cost: usd }).nullish().catch(null),
      prompt_tokens_details: z.object({ cached_tokens: tokens }).nullish().catch(null),
      /** DeepSeek's name for cached tokens. */
      prompt_cache_hit_tokens: tokens,
    })
    .nullish()
    .catch(null),
});

/** Reads what an answer says about its price; anything unusable counts as not said. */
export function priceFigures(headers: Headers, body: unknown): PriceFigures {
  const usage = figuresSchema.safeParse(body).data?.usage;
  const provider = usage?.is_byok ? (usage.cost_details?.upstream_inference_cost ?? 0) : 0;
  const header = headers.get("x-litellm-response-cost");
  const inHeader = header ? dollars.safeParse(Number(header)).data : undefined;
  return {
    usd: typeof usage?.cost === "number" ? usage.cost + provider : (inHeader ?? null),
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? usage?.prompt_cache_hit_tokens ?? 0,
  };
}
