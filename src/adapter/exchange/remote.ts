/** Adapters that the server of a model holds, named in one word: `lora:<name or path>` or `steer:<path>`. */
import { ConfigError } from "../../errors.ts";
import { shortId } from "../../util/hash.ts";
import type { RemoteAdapter } from "../adapter.ts";

/**
 * The adapter that such a word names, or `null` for any other text.
 * @param block that a vector is added to
 * @throws ConfigError `flags-invalid` for a vector without its block
 */
export function remoteAdapter(word: string, model: string, block?: number): RemoteAdapter | null {
  const [, kind, uri] = /^(lora|steer):(.+)$/.exec(word) ?? [];
  if (uri === undefined) return null;
  const format = kind as RemoteAdapter["format"];
  if (format === "steer" && block === undefined)
    throw new ConfigError(
      "flags-invalid",
      `Expected --block with the block that ${uri} is added to, got none`,
    );
  const space = format === "lora" ? `weights:${model}` : `residual:${model}@${block}`;
  return { kind: "remote", revision: shortId(format, space, uri), space, uri, format, norm: null };
}
