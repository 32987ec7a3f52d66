/** Rows of a Parquet file as plain objects: text columns, dictionary-encoded or not, and lists of text. */
import { DataError } from "../../../errors.ts";
import type { Fields } from "./annotations.ts";

/** Loaded when there is Parquet to read. */
const loadHyparquet = () => import("hyparquet");

/** @throws DataError `annotations-unreadable` for what is no Parquet, or is packed in a way this cannot unpack */
export async function readParquet(path: string): Promise<Fields[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await loadHyparquet();
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  } catch (cause) {
    throw new DataError(
      "annotations-unreadable",
      `Expected Parquet (plain or snappy) in ${path}: ${(cause as Error).message}`,
      { cause, details: { path } },
    );
  }
}
