/**
 * The thread that reads a Parquet file: its numbers are checked against the file's size, then columns come one after
 * another, a row group at a time. What fails here ends this thread alone.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { optionalPackage } from "../../../util/optional.ts";

/** Values of one column in one row group. */
export interface ReadColumn {
  readonly name: string;
  readonly values: readonly unknown[];
}

const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } =
  await optionalPackage("hyparquet", "to read Parquet");

const file = await asyncBufferFromFile(workerData as string);
const metadata = await parquetMetadataAsync(file);
const groups = checkedGroups(metadata, file);
for (const { element } of parquetSchema(metadata).children) {
  for (const { from, to } of groups) {
    const values = await readColumn(element.name, from, to);
    parentPort?.postMessage({ name: element.name, values } satisfies ReadColumn);
  }
}

async function readColumn(name: string, rowStart: number, rowEnd: number): Promise<unknown[]> {
  const rows = await parquetReadObjects({ file, metadata, columns: [name], rowStart, rowEnd });
  const values = rows.map((row) => row[name]);
  if (values.length !== rowEnd - rowStart || values.includes(undefined))
    throw new Error(`the column ${name} ends too early`);
  return values;
}

/** First and last row of each group. @throws where the numbers cannot be those of a file of this size */
function checkedGroups({ row_groups, num_rows }: FileMetaData, { byteLength }: AsyncBuffer) {
  const isWithin = (value: bigint | undefined, most: number) =>
    value === undefined || (value >= 0n && value <= BigInt(most));
  // Equal values in a row take almost no bytes, so a small file may hold many rows; text packs at most 21 times.
  const mostRows = 1_000_000 + 8 * byteLength;
  const mostBytes = 2 ** 20 + 32 * byteLength;
  let from = 0;
  const groups = row_groups.map(({ num_rows, columns }) => {
    if (!isWithin(num_rows, mostRows)) throw new Error(`a row group says it has ${num_rows} rows`);
    for (const { meta_data: facts } of columns) {
      const start = facts?.dictionary_page_offset ?? facts?.data_page_offset;
      if (
        !facts ||
        !isWithin(start, byteLength) ||
        !isWithin(facts.total_compressed_size, byteLength - Number(start)) ||
        !isWithin(facts.total_uncompressed_size, mostBytes) ||
        !isWithin(facts.num_values, 8 * mostRows)
      ) {
        throw new Error("a column lies outside the file or is larger than it can be");
      }
    }
    const group = { from, to: from + Number(num_rows) };
    from = group.to;
    return group;
  });
  if (BigInt(from) !== num_rows || from > mostRows)
    throw new Error(`it says it has ${num_rows} rows, its row groups have ${from}`);
  return groups;
}
