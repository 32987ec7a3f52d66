/**
 * Many entries put into a memory in Postgres by few statements, with all that is derived from them, as fast as the server
 * takes them: for tests and measurements of large memories. The memory's own check says whether they are whole.
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Embedder } from "../../src/engine.ts";
import { wordSpace } from "../../src/engines/local/index.ts";
import { indexedText } from "../../src/memory/entries.ts";
import { foldName } from "../../src/memory/names.ts";
import { searchedForNames, spellingsOf } from "../../src/memory/postgres/names.ts";
import { parsePostgresUrl } from "../../src/memory/postgres/url.ts";
import { vectorTable } from "../../src/memory/schema.ts";

/** An entry to be. */
export interface Line {
  readonly id?: string;
  readonly stream: string;
  readonly text: string;
  readonly speakers: readonly string[];
  readonly seconds: number;
}

const atOnce = 2000;

/** Adds lines to the memory of a URL, whose streams and index are there and which nothing else writes. */
export async function addLines(url: string, lines: readonly Line[], embedder: Embedder): Promise<void> {
  const { connection, schema } = parsePostgresUrl(url);
  const client = new pg.Client({
    connectionString: connection,
    options: `-c search_path="${schema}",public`,
  });
  await client.connect();
  try {
    const streams = new Map<string, number>();
    for (const { id, row } of (await client.query("select id, row from stream")).rows) streams.set(id, row);
    const { space, last } = (
      await client.query(`select (select row from space where current = 1) as space,
        (select coalesce(max(row), 0)::int from entry) as last`)
    ).rows[0];
    for (let from = 0; from < lines.length; from += atOnce)
      await addSome(client, lines.slice(from, from + atOnce), {
        ...{ streams, embedder, table: vectorTable(space), firstRow: last + from + 1 },
      });
    await client.query(`select setval(pg_get_serial_sequence('entry', 'row'), (select max(row) from entry))`);
    await client.query("analyze");
  } finally {
    await client.end();
  }
}

async function addSome(
  client: pg.Client,
  lines: readonly Line[],
  to: {
    readonly streams: ReadonlyMap<string, number>;
    readonly embedder: Embedder;
    readonly table: string;
    readonly firstRow: number;
  },
): Promise<void> {
  const vectors = await to.embedder.embed(lines.map(({ text }) => text));
  const rows = lines.map((_, i) => to.firstRow + i);
  const streams = lines.map(({ stream }) => to.streams.get(stream)!);
  const seconds = lines.map((line) => line.seconds);
  const texts = lines.map((line) => indexedText(line, wordSpace));
  const tokens = texts.map(({ stems, speakers }) => `${stems} ${speakers}`.split(" ").filter(Boolean));
  const posted = tokens.flatMap((words, i) =>
    [...Map.groupBy(words, (word) => word)].map(([stem, all]) => ({
      stem,
      row: rows[i]!,
      times: all.length,
    })),
  );
  const spelled = lines.flatMap(({ speakers }, i) =>
    [...new Set(speakers.map(foldName))].flatMap((name) =>
      spellingsOf(name).map((spelling) => ({ spelling, name, row: rows[i]! })),
    ),
  );
  const spoken = lines.flatMap(({ speakers }, i) =>
    [...new Set(speakers.map(foldName))].map((name) => ({ name, row: rows[i]! })),
  );
  const insert = (into: string, types: string, columns: readonly (readonly unknown[])[]) =>
    client.query(
      `insert into ${into} select * from unnest(${types
        .split(" ")
        .map((type, i) => `$${i + 1}::${type}[]`)
        .join(", ")})`,
      columns as unknown[][],
    );
  await client.query("begin");
  await client.query(
    `insert into entry (row, id, stream, clip, kind, start_seconds, end_seconds, known_seconds, written_at_ms, text,
       speakers, policy, revision, evidence, has_vector)
     select r, id, s, floor(t / 10), 'episodic', t, t + 1, t + 1, 1700000000000 + t, line, speakers, 'choice', 'choice@1',
       '{"clips":[],"startSeconds":0,"endSeconds":0,"frames":[],"sources":[],"tiers":{}}', v
     from unnest($1::bigint[], $2::text[], $3::bigint[], $4::float8[], $5::text[], $6::text[], $7::int[])
       as given (r, id, s, t, line, speakers, v)`,
    [
      ...[rows, lines.map(({ id }) => id ?? randomUUID()), streams, seconds, lines.map(({ text }) => text)],
      lines.map(({ speakers }) => JSON.stringify(speakers)),
      vectors.map((vector) => (vector.some((value) => value !== 0) ? 1 : 0)),
    ],
  );
  await insert("entry_speaker (name, entry)", "text bigint", [
    ...[spoken.map(({ name }) => name), spoken.map(({ row }) => row)],
  ]);
  await insert("entry_text (entry, stems, speakers, tokens, names)", "bigint text text bigint text", [
    ...[rows, texts.map(({ stems }) => stems), texts.map(({ speakers }) => speakers)],
    ...[tokens.map(({ length }) => length), lines.map(({ text }) => searchedForNames(text))],
  ]);
  await insert("posting (stem, entry, times)", "text bigint bigint", [
    posted.map(({ stem }) => stem),
    ...[posted.map(({ row }) => row), posted.map(({ times }) => times)],
  ]);
  await insert("speaker_spelling (spelling, name, entry)", "text text bigint", [
    spelled.map(({ spelling }) => spelling),
    ...[spelled.map(({ name }) => name), spelled.map(({ row }) => row)],
  ]);
  await client.query("update text_total set entries = entries + $1, tokens = tokens + $2", [
    ...[lines.length, tokens.reduce((sum, { length }) => sum + length, 0)],
  ]);
  const told = vectors.flatMap((vector, i) =>
    vector.some((value) => value !== 0)
      ? [{ row: rows[i]!, stream: streams[i]!, at: seconds[i]! + 1, vector: `[${vector.join()}]` }]
      : [],
  );
  await client.query(
    `insert into ${to.table} (entry, stream, known_seconds, vector)
     select r, s, t, v::vector from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::text[]) as given (r, s, t, v)`,
    [
      ...[told.map(({ row }) => row), told.map(({ stream }) => stream)],
      ...[told.map(({ at }) => at), told.map(({ vector }) => vector)],
    ],
  );
  await client.query("commit");
}
