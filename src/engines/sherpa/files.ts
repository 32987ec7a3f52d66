/** Which model a folder holds, of speech or of speakers, by the names that sherpa-onnx's own releases give their files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The files of a model, as sherpa-onnx's configuration names them. */
export type SherpaModel = { readonly tokens: string } & (
  | {
      readonly moonshine: Readonly<
        Record<"preprocessor" | "encoder" | "uncachedDecoder" | "cachedDecoder", string>
      >;
    }
  | { readonly transducer: Readonly<Record<"encoder" | "decoder" | "joiner", string>> }
  | { readonly whisper: Readonly<Record<"encoder" | "decoder", string>> }
);

/** The nets that tell voices apart, by path: pyannote's segmentation, and one that compares voices. */
export interface SherpaSpeakerModel {
  readonly segmentation: string;
  readonly embedding: string;
}

/** The two nets of a folder; `null` where one lacks. Beside the segmentation one other net may stand. */
export function sherpaSpeakerModel(folder: string): SherpaSpeakerModel | null {
  const nets = readdirSync(folder).filter((name) => name.endsWith(".onnx"));
  const own = nets.filter((name) => /^(?:.*segmentation.*|model)(?:\.int8)?\.onnx$/.test(name));
  const others = nets.filter((name) => !own.includes(name));
  const segmentation = own.find((name) => name.includes("int8")) ?? own[0];
  const [embedding] = others;
  if (segmentation === undefined || embedding === undefined || others.length > 1) return null;
  return { segmentation: join(folder, segmentation), embedding: join(folder, embedding) };
}

/** What a folder has to hold, in a sentence. */
export const expectedFiles =
  "tokens.txt, and preprocess, encode, uncached_decode and cached_decode (moonshine), or encoder, decoder and joiner (transducers such as parakeet), or encoder and decoder (whisper), each as .onnx";

/** The model of a folder, its 8-bit files where it has both; `null` for another kind of folder. */
export function sherpaModel(folder: string): SherpaModel | null {
  const names = readdirSync(folder);
  const file = (pattern: RegExp) => {
    const found = names.filter((name) => pattern.test(name));
    const name = found.find((one) => one.includes("int8")) ?? found[0];
    return name === undefined ? null : join(folder, name);
  };
  const part = (name: string) => file(new RegExp(`(?:^|[-_.])${name}(?:[-_.][\\w.-]*)?\\.onnx$`));
  const tokens = file(/(?:^|[-_.])tokens\.txt$/);
  if (tokens === null) return null;
  const [encoder, decoder, joiner] = [part("encoder"), part("decoder"), part("joiner")];
  if (encoder && decoder && joiner) return { tokens, transducer: { encoder, decoder, joiner } };
  if (encoder && decoder) return { tokens, whisper: { encoder, decoder } };
  const moonshine = {
    preprocessor: file(/^preprocess[\w.-]*\.onnx$/),
    encoder: file(/^encode[\w.-]*\.onnx$/),
    uncachedDecoder: file(/^uncached_decode[\w.-]*\.onnx$/),
    cachedDecoder: file(/^cached_decode[\w.-]*\.onnx$/),
  };
  if (Object.values(moonshine).some((one) => one === null)) return null;
  return { tokens, moonshine: moonshine as Record<keyof typeof moonshine, string> };
}
