/**
 * The fields that steer one request to a vLLM with the plug-in vllm-lens, as JSON to merge into the request's body.
 *
 * `cache_salt` is part of it: without a salt of its own, what a steered request leaves in the prefix cache is read by
 * requests without the adapter.
 */
import { z } from "zod";
import { type BlockVector, brokenAdapter } from "./block-vector.ts";
import { floats, littleEndian } from "./safetensors.ts";

/** Fields of a request. */
export interface SteeringFields {
  readonly vllm_xargs: { readonly apply_steering_vectors: string };
  readonly cache_salt: string;
}

/** The fields for a vector. @param revision of the adapter: another revision, another cache */
export function steeringFields({ block, values }: BlockVector, revision: string): SteeringFields {
  const data = littleEndian(values).toString("base64");
  const vector = {
    activations: { data, dtype: "float32", shape: [1, values.length] },
    ...{ layer_indices: [block], scale: 1, norm_match: false, position_indices: null },
  };
  return { vllm_xargs: { apply_steering_vectors: JSON.stringify([vector]) }, cache_salt: revision };
}

const fieldsSchema = z.object({ vllm_xargs: z.object({ apply_steering_vectors: z.string() }) });
const vectorsSchema = z.array(
  z.object({
    activations: z.object({
      data: z.base64(),
      dtype: z.literal("float32"),
      shape: z.tuple([z.literal(1), z.int().positive()]),
    }),
    layer_indices: z.tuple([z.int().min(0)]),
    scale: z.number(),
    norm_match: z.literal(false),
  }),
);

/** The vectors of such fields, by block. @throws DataError `adapter-invalid` */
export function readSteeringFields(bytes: Uint8Array): BlockVector[] {
  try {
    const fields = fieldsSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    const vectors = vectorsSchema.parse(JSON.parse(fields.vllm_xargs.apply_steering_vectors));
    return vectors.map(({ activations: { data, shape }, layer_indices: [block], scale }): BlockVector => {
      const values = floats(Buffer.from(data, "base64"));
      if (values.length !== shape[1]) throw new Error(`${values.length} numbers for a width of ${shape[1]}`);
      return { block, values: values.map((value) => value * scale) };
    });
  } catch (error) {
    throw brokenAdapter("vllm-lens", (error as Error).message.split("\n")[0]!);
  }
}
