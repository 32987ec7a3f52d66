/**
 * Where the pictures of a memory in Postgres are: in a table, or in the bucket that its first URL named. The memory keeps the
 * place, so that every process finds them there.
 */
import { sql } from "kysely";
import { StoreError } from "../../errors.ts";
import { blobOf } from "../blob-store.ts";
import { type Bucket, bucketAt } from "./bucket.ts";
import type { Postgres } from "./connection.ts";
import { type Settings, settingsOf } from "./open-schema.ts";

/** The bucket of a place, with a folder for each space. */
export const bucketOf = ({ url }: Postgres, place: string): Bucket => bucketAt(place, url.space);

/**
 * The place of the pictures of a memory. One without a picture takes the place that its URL names, if it can be written.
 *
 * @throws StoreError `blobs-elsewhere`, and as the bucket does
 */
export async function blobPlace(postgres: Postgres, { blobs }: Settings): Promise<string | null> {
  const { shown, blobs: named } = postgres.url;
  if (named === null || named === blobs) return blobs;
  if (blobs === null && !postgres.readOnly) {
    const bucket = bucketOf(postgres, named);
    await bucket.put("probe", blobOf(Buffer.from("TaskMem")));
    await bucket.remove("probe");
    const taken = sql`update setting set blobs = ${named} where blobs is null and not exists (select 1 from blob)`;
    await postgres.perform((db) => db.run(taken));
  }
  const kept = (await settingsOf(postgres))!.blobs;
  if (kept === named) return kept;
  throw new StoreError(
    "blobs-elsewhere",
    `The pictures of ${shown} are in ${kept ?? "its database"}, not in ${named}. Leave \`blobs\` out of the URL, or taskmem migrate to a new space.`,
    { details: { kept, named } },
  );
}
