/** The weights that come with the package: their files, and the checksums of their numbers. */
import { fileURLToPath } from "node:url";

/** Checksums of the shipped weights. */
export const shippedChecksums = {
  /** What `npm run nano:pretrain` makes. */
  "nano-base": "1157a4c2f1793f60b48d6828a7111a4f0b72125aecaa9d909c77730f526ec289",
  /** What `taskmem train phase-one` with its defaults makes of it. */
  nano: "21435453d16380c1f3c2c633bee51d35cafb9e642ee0570577cb695ab6577bb4",
} as const;

/** Whether retrained weights equal the shipped ones, in words. Another machine may round differently, so either is fine. */
export function besideShipped(
  name: keyof typeof shippedChecksums,
  checksum: string,
): "as shipped" | "differs from the shipped weights" {
  return checksum === shippedChecksums[name] ? "as shipped" : "differs from the shipped weights";
}

/** The file of weights that come with the package. */
export function shippedWeights(name: keyof typeof shippedChecksums): string {
  return fileURLToPath(new URL(`../../../weights/${name}.safetensors`, import.meta.url));
}
