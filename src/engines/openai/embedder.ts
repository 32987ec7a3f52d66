/** Text embeddings, `POST /embeddings`. */
import { z } from "zod";
import type { Embedder } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { type EndpointOptions, openEndpoint, tokenCount } from "./client.ts";
import { badResponse } from "./errors.ts";

/** How to reach an embedding model behind an endpoint. */
export interface EmbedderOptions extends EndpointOptions {
  /** Numbers in a vector of this model. */
  readonly dimension: number;
  /** Whether each text is sent with its role, as `input_type`. @default false */
  readonly inputType?: boolean;
  /** Longest waits for vectors that are tried once: those of questions, and those of passages. @default 5 s and 30 s */
  readonly onceMs?: { readonly query: number; readonly passage: number };
}

const batchSize = 64;

/** Id of the embedder of a model, whatever its dimension. */
export const openaiEmbedderId = ({
  model,
  inputType,
}: Pick<EmbedderOptions, "model" | "inputType">): string => `openai:${model}${inputType ? ":roles" : ""}`;

/** An embedder of a known dimension. @throws ConfigError `base-url-invalid` */
export function openaiEmbedder({
  dimension,
  inputType = false,
  onceMs = { query: 5000, passage: 30_000 },
  ...options
}: EmbedderOptions): Embedder {
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new RangeError(`Expected \`dimension\` to be a whole number from 1 up, got ${dimension}`);
  }
  const { askVectors, cost } = vectorsOf(options);
  return {
    cost,
    id: openaiEmbedderId({ model: options.model, inputType }),
    dimension,
    embed: async (texts, signal, { role = "passage", once = false } = {}) => {
      const vectors = texts.map(() => new Float32Array(dimension));
      const wanted = texts.flatMap((text, index) => (text.trim() === "" ? [] : [{ text, index }]));
      const batches = Array.from({ length: Math.ceil(wanted.length / batchSize) }, (_, i) =>
        wanted.slice(i * batchSize, (i + 1) * batchSize),
      );
      const how = { ...(inputType && { inputType: role }), ...(once && { retries: 0 }) };
      const limit = once ? AbortSignal.timeout(onceMs[role]) : null;
      const either = limit === null ? signal : AbortSignal.any([limit, ...(signal ? [signal] : [])]);
      await Promise.all(
        batches.map(async (batch) => {
          const asked = batch.map(({ text }) => text);
          const answers = await askVectors(asked, either, how).catch((error) => {
            throw error === limit?.reason ? late(options, onceMs[role]) : error;
          });
          for (const [i, { index }] of batch.entries()) {
            const answer = answers[i]!;
            if (answer.length !== dimension) {
              throw new EngineError(
                "dimension-mismatch",
                `Expected vectors of ${dimension} numbers from ${options.model}, got ${answer.length}: correct \`dimension\``,
              );
            }
            vectors[index]!.set(normalised(answer));
          }
        }),
      );
      return vectors;
    },
  };
}

/** An embedder that asks the endpoint for its dimension by one call, unless it is given. @throws EngineError */
export async function openOpenaiEmbedder(
  options: EndpointOptions & { readonly dimension?: number; readonly inputType?: boolean },
  signal?: AbortSignal,
): Promise<Embedder> {
  const dimension =
    options.dimension ?? (await vectorsOf(options).askVectors(["dimension"], signal))[0]!.length;
  return openaiEmbedder({ ...options, dimension });
}

const answerSchema = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: tokenCount }).nullish().catch(null),
});

const late = ({ baseURL, model }: EndpointOptions, ms: number) =>
  new EngineError(
    "timeout",
    `${new URL([baseURL].flat()[0]!).host} (model ${model}) sent no vectors within ${ms / 1000} s`,
    { isRetryable: true },
  );

/** Makes one call for a batch of texts: their vectors, in order, as they came. */
function vectorsOf(options: EndpointOptions) {
  const endpoint = openEndpoint(options);
  const askVectors = async (
    input: string[],
    signal?: AbortSignal,
    { inputType, retries }: { readonly inputType?: "query" | "passage"; readonly retries?: number } = {},
  ): Promise<number[][]> => {
    const characters = input.reduce((sum, text) => sum + text.length, 0);
    const forecast = { promptTokens: Math.ceil(characters / 4), completionTokens: 0 };
    const { value } = await endpoint.call(
      forecast,
      async (post) => {
        const body = await post("embeddings", {
          ...{ model: options.model, input, encoding_format: "float" },
          ...(inputType && { input_type: inputType }),
        });
        const parsed = answerSchema.safeParse(body);
        if (!parsed.success) throw badResponse("The endpoint sent no embeddings", parsed.error);
        const { data, usage } = parsed.data;
        const ordered = data.toSorted((a, b) => a.index - b.index);
        if (ordered.length !== input.length) {
          throw badResponse(`The endpoint sent ${ordered.length} embeddings for ${input.length} texts`);
        }
        const used = { promptTokens: usage?.prompt_tokens ?? forecast.promptTokens, completionTokens: 0 };
        return { value: ordered.map(({ embedding }) => embedding), used };
      },
      signal,
      retries,
    );
    return value;
  };
  return { askVectors, cost: endpoint.cost };
}

function normalised(vector: readonly number[]): Float32Array {
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (norm > 0 ? value / norm : 0));
}
