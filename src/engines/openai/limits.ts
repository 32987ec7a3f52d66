/**
 * What a server tells about its limits, without a call to the model.
 *
 * `GET /v1/models` lists the models it serves; vLLM, SGLang and some hosted endpoints add the length of the context.
 * llama-server has `GET /props` beside `/v1`: context and slots. Ollama has `GET /api/ps`: the context of the models that
 * are loaded; a longer prompt it cuts without a word. What a server does not tell, or tells in another form, is unknown
 * and no error.
 */
import { z } from "zod";
import { type ModelLimits, unknownLimits } from "../../engine.ts";
import type { Endpoint } from "./client.ts";

const count = z.number().int().min(1).max(1e9).nullish().catch(null);

const modelsSchema = z
  .object({
    data: z.array(
      z.object({
        id: z.string(),
        /** The model that a LoRA of vLLM belongs to. */
        parent: z.string().nullish().catch(null),
        max_model_len: count,
        context_length: count,
        context_window: count,
        max_context_length: count,
      }),
    ),
  })
  .nullable()
  .catch(null);

const propsSchema = z.object({
  default_generation_settings: z.object({ n_ctx: count }).nullish().catch(null),
  total_slots: count,
});

/**
 * Asks an endpoint for the limits of `model`; of several servers, what all of them take.
 * @throws the signal's reason once it is aborted
 */
export async function askLimits(
  endpoint: Pick<Endpoint, "tells">,
  model: string,
  signal: AbortSignal | undefined,
): Promise<ModelLimits> {
  const listed = (await endpoint.tells("models", signal)).map((body) => limitsListed(body, model));
  if (listed.every(({ contextTokens }) => contextTokens !== null)) return listed.reduce(commonLimits);
  const props = await endpoint.tells("../props", signal);
  return listed.map((limits, i) => withProps(limits, props[i])).reduce(commonLimits);
}

const loadedSchema = z.object({ models: z.array(z.object({ model: z.string(), context_length: count })) });

/**
 * Asks for the context of a model that has answered before, where it is not known yet.
 * @throws the signal's reason once it is aborted
 */
export async function askLoaded(
  endpoint: Pick<Endpoint, "tells">,
  known: ModelLimits,
  model: string,
  signal: AbortSignal | undefined,
): Promise<ModelLimits> {
  if (known.contextTokens !== null) return known;
  const loaded = (await endpoint.tells("../api/ps", signal)).map((body): ModelLimits => {
    const models = loadedSchema.safeParse(body).data?.models ?? [];
    const named = models.find((running) => running.model === model || running.model === `${model}:latest`);
    return { ...unknownLimits, contextTokens: named?.context_length ?? null };
  });
  return [known, ...loaded].reduce(commonLimits);
}

/** The limits in a list of models. An endpoint that serves one model may know it by another name. */
function limitsListed(body: unknown, model: string): ModelLimits {
  const cards = modelsSchema.parse(body)?.data;
  if (!cards) return unknownLimits;
  const named = cards.find(({ id }) => id === model);
  const parent = cards.find(({ id }) => id === named?.parent);
  const only = cards.length === 1 ? cards[0] : undefined;
  const lengths = [named, parent, only].flatMap((card) =>
    card ? [card.max_model_len, card.context_length, card.context_window, card.max_context_length] : [],
  );
  return {
    contextTokens: lengths.find((length) => typeof length === "number") ?? null,
    slots: null,
    served: cards.map(({ id }) => id),
  };
}

function withProps(limits: ModelLimits, body: unknown): ModelLimits {
  const props = propsSchema.safeParse(body).data;
  return {
    ...limits,
    contextTokens: limits.contextTokens ?? props?.default_generation_settings?.n_ctx ?? null,
    slots: props?.total_slots ?? null,
  };
}

/** What two servers both take. What one of them does not tell, the other says. */
function commonLimits(a: ModelLimits, b: ModelLimits): ModelLimits {
  const least = (x: number | null, y: number | null) =>
    x === null || y === null ? (x ?? y) : Math.min(x, y);
  return {
    contextTokens: least(a.contextTokens, b.contextTokens),
    slots: least(a.slots, b.slots),
    served:
      a.served && b.served ? a.served.filter((name) => b.served!.includes(name)) : (a.served ?? b.served),
  };
}
