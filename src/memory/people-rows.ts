/** People in the database: reading what `identity/` decides on, writing what it decided, and names in texts. */
import { sql } from "kysely";
import { changePeople, undoPeople } from "../identity/change.ts";
import { comparedVoices, type HeardClip, hearClip, type ObservedVoices } from "../identity/hear.ts";
import { patched, touchedNumbers } from "../identity/people-state.ts";
import type {
  KnownOne,
  PeopleChange,
  PeopleEvent,
  PeoplePatch,
  PeopleState,
  PeopleUndo,
  SeenFace,
} from "../identity/records.ts";
import { rendered } from "../identity/references.ts";
import { comparedUnknown, type ObservedFaces, type Seen, seeClip } from "../identity/see.ts";
import { markLoose } from "./blob-store.ts";
import { logChange } from "./change-log.ts";
import { build, type Db, parseStored, type Query, type Steps, type Store } from "./db.ts";
import { insertText, toBuffer } from "./entries.ts";
import type { ForgottenPeople } from "./forget-people.ts";
import { listed, numbered } from "./listed.ts";
import { type Recognised, recognised } from "./packed.ts";
import { keptFaces } from "./retention.ts";
import { type Indexing, requireSpace } from "./space.ts";
import { embedAll } from "./statements.ts";
import { entriesAround } from "./surrounding-rows.ts";
import { letWait, setVector } from "./waiting-vectors.ts";

interface FaceRow {
  readonly id: string;
  readonly stream: string;
  readonly clip: number;
  readonly person: string | null;
  readonly maybe: string | null;
  readonly told: string | null;
  readonly crop: string | null;
  readonly exemplar: number;
  readonly good: number;
  readonly vector: Uint8Array | null;
  readonly value: string;
}

type FaceValue = Omit<
  SeenFace,
  "id" | "stream" | "clip" | "person" | "maybe" | "told" | "crop" | "exemplar" | "good" | "vector"
>;

export function toFace({ value, exemplar, vector, ...row }: FaceRow): SeenFace {
  return {
    ...parseStored<FaceValue>(value, `the face ${row.id}`),
    ...row,
    exemplar: exemplar === 1,
    // A copy begins where numbers of four bytes may begin.
    vector: vector && new Float32Array(Uint8Array.from(vector).buffer),
  };
}

/** Faces in the order they were seen. */
export const selectFaces = (condition: ReturnType<typeof sql> = sql`true`): Query<FaceRow> =>
  sql<FaceRow>`select f.id, s.id as stream, f.clip, f.person, f.maybe, f.told, f.crop, f.exemplar, f.good, f.vector,
    f.value from face as f join stream as s on s.row = f.stream where ${condition} order by f.row`;

function* facesWhere(db: Db, condition?: ReturnType<typeof sql>): Steps<SeenFace[]> {
  return (yield* db.all(selectFaces(condition))).map(toFace);
}

export function* peopleIn(db: Db): Steps<KnownOne[]> {
  const people = yield* db.all(build.selectFrom("person").selectAll().orderBy("number"));
  return people.map(({ id, number, name, into_id }) => ({ id, number, name, into: into_id }));
}

/** Everybody with all their faces. */
export function* peopleState(db: Db): Steps<PeopleState> {
  return { people: yield* peopleIn(db), faces: yield* facesWhere(db) };
}

/** What of a clip is seen and heard of people. */
interface Sightings {
  readonly clip: number;
  readonly faces: ObservedFaces | null;
  readonly voices: ObservedVoices | null;
  readonly grow: boolean;
}

type StreamOf = { readonly row: number; readonly id: string };

/** Sees and hears a clip, inside the transaction that journals it. @returns who is in it, as policies are told */
export function* addSightings(
  db: Db,
  stream: StreamOf,
  { clip, faces, voices, grow }: Sightings,
): Steps<Recognised> {
  if (grow && (faces || voices)) yield* deleteFaces(db, sql`stream = ${stream.row} and clip = ${clip}`);
  const seen = faces ? yield* addFaces(db, stream, faces) : null;
  const heard = voices ? yield* addVoices(db, stream, voices) : null;
  return recognised(seen, heard);
}

/** A voice has no picture, a face that can be compared has one. */
const comparedVoice = sql`crop is null and vector is not null`;

function* addVoices(db: Db, stream: StreamOf, observed: ObservedVoices): Steps<HeardClip> {
  const unknown = sql`stream = ${stream.row} and person is null and maybe is null and ${comparedVoice}`;
  // The faces beside these voices tell whose they are.
  const compared = sql`(f.exemplar = 1 or f.rejected = 1) and f.crop is null and f.vector is not null
    or f.row in (select row from face where ${unknown} order by clip desc limit ${comparedVoices})
    or f.stream = ${stream.row} and f.person is not null and (f.clip = ${observed.clip}
      or f.clip in (select clip from face where ${unknown} order by clip desc limit ${comparedVoices}))`;
  const known = { people: yield* peopleIn(db), faces: yield* facesWhere(db, compared) };
  const good = yield* goodSums(db);
  const heard = hearClip(observed, known, (person) => good.get(person) ?? 0, yield* numbering(db));
  yield* putPeople(db, heard.patch);
  yield* logPeople(
    db,
    heard.patch.people.map(({ number }) => number),
  );
  return heard;
}

/** Good pictures of each person, speech counted too. */
function* goodSums(db: Db): Steps<ReadonlyMap<string, number>> {
  const sums = yield* db.all(
    sql<{ person: string; good: number }>`select person, sum(good) as good from face where person is not null
      group by person`,
  );
  return new Map(sums.map((row) => [row.person, Number(row.good)]));
}

function* addFaces(db: Db, stream: StreamOf, observed: ObservedFaces): Steps<Seen> {
  const compared = sql`(f.exemplar = 1 or f.rejected = 1) and f.crop is not null or f.row in (
    select row from face where stream = ${stream.row} and person is null and maybe is null and vector is not null
      and crop is not null order by clip desc limit ${comparedUnknown})`;
  const known = { people: yield* peopleIn(db), faces: yield* facesWhere(db, compared) };
  const good = yield* goodSums(db);
  const numbered = yield* numbering(db);
  const seen = seeClip(observed, known, (person) => good.get(person) ?? 0, numbered);
  yield* putPeople(db, seen.patch);
  yield* logPeople(
    db,
    seen.patch.people.map(({ number }) => number),
  );
  return seen;
}

/** The last number of a kind that was ever given. */
function* lastNumber(db: Db, name: "person" | "event"): Steps<number> {
  const row = yield* db.get(build.selectFrom("people_number").select("last").where("name", "=", name));
  return row?.last ?? 0;
}

/** Keeps a number from being given again. Inside a transaction. */
function* given(db: Db, name: "person" | "event", number: number): Steps<void> {
  yield* db.run(sql`update people_number set last = ${number} where name = ${name} and last < ${number}`);
}

/** Gives numbers after all that were ever given. */
function* numbering(db: Db): Steps<() => number> {
  let last = yield* lastNumber(db, "person");
  return () => {
    last += 1;
    return last;
  };
}

/** Writes what was decided. Inside a transaction. */
function* putPeople(db: Db, { people, faces, gone }: PeoplePatch): Steps<void> {
  for (const { id, number, name, into } of people) {
    yield* db.run(sql`insert into person (number, id, name, into_id) values (${number}, ${id}, ${name}, ${into})
      on conflict (number) do update set name = excluded.name, into_id = excluded.into_id`);
    yield* given(db, "person", number);
  }
  for (const face of faces) yield* putFace(db, face);
  yield* db.run(sql`delete from person where id in ${listed(gone)}`);
}

function* putFace(db: Db, face: SeenFace): Steps<void> {
  const { id, stream, clip, person, maybe, told, crop, exemplar, good, vector, ...value } = face;
  const bytes = vector && toBuffer(vector);
  const ownRow = sql`(select row from stream where id = ${stream})`;
  yield* db.run(sql`insert into face (id, stream, clip, person, maybe, told, crop, exemplar, rejected, good, vector, value)
    values (${id}, ${ownRow}, ${clip}, ${person}, ${maybe}, ${told}, ${crop}, ${exemplar ? 1 : 0},
      ${value.not.length > 0 ? 1 : 0}, ${good}, ${bytes}, ${JSON.stringify(value)})
    on conflict (id) do update set person = excluded.person, maybe = excluded.maybe, told = excluded.told,
      crop = excluded.crop, exemplar = excluded.exemplar, rejected = excluded.rejected, vector = excluded.vector,
      value = excluded.value`);
}

/** Deletes faces, with their pictures at the next sweep. Inside a transaction. */
function* deleteFaces(db: Db, condition: ReturnType<typeof sql>): Steps<void> {
  const gone = yield* db.all(
    sql<{ crop: string | null }>`delete from face where ${condition} returning crop`,
  );
  yield* markLoose(
    db,
    gone.flatMap(({ crop }) => crop ?? []),
  );
}

/** Keeps a person of another memory. Inside a transaction. @returns false if known, with no news */
export function* addPerson(db: Db, { id, number, name, into }: KnownOne): Steps<boolean> {
  const known = yield* db.get(build.selectFrom("person").select(["number", "name"]).where("id", "=", id));
  if (known && (known.name !== null || name === null)) return false;
  // A number that was given here is never given again.
  const own = known?.number ?? Math.max(number, (yield* lastNumber(db, "person")) + 1);
  yield* putPeople(db, { people: [{ id, number: own, name, into }], faces: [], gone: [] });
  yield* logPeople(db, [own]);
  return true;
}

/** Whether a face is here. */
export function* hasFace(db: Db, id: string): Steps<boolean> {
  return (yield* db.get(build.selectFrom("face").select("row").where("id", "=", id))) !== undefined;
}

/** Keeps a face of another memory. Inside a transaction. @returns false if it is known */
export function* addFace(db: Db, face: SeenFace): Steps<boolean> {
  if (yield* hasFace(db, face.id)) return false;
  yield* putFace(db, face);
  return true;
}

/** Deletes people, their faces and pictures, and the changes that tell of them. Inside a transaction. */
export function* deletePeople(db: Db, { people, faces, events }: ForgottenPeople): Steps<void> {
  const ids = listed(people);
  yield* deleteFaces(db, sql`id in ${listed(faces.map(({ id }) => id))}`);
  yield* db.run(sql`delete from person where id in ${ids}`);
  yield* db.run(sql`delete from people_event where number in ${numbered(events)}`);
  yield* db.run(sql`update face set person = null, exemplar = 0 where person in ${ids}`);
  yield* db.run(sql`update face set maybe = null where maybe in ${ids}`);
}

/** Takes the pictures and vectors of old faces that stand for no one; those of no one go whole. Inside a transaction. */
export function* trimFaces(db: Db): Steps<void> {
  const old = sql`exemplar = 0 and rejected = 0 and clip <= (
    select max(other.clip) from face as other where other.stream = face.stream) - ${keptFaces}`;
  yield* deleteFaces(db, sql`person is null and ${old}`);
  const kept = yield* db.all(
    sql<{ row: number; crop: string }>`select row, crop from face where crop is not null and ${old}`,
  );
  yield* markLoose(
    db,
    kept.map(({ crop }) => crop),
  );
  yield* db.run(
    sql`update face set crop = null, vector = null where row in ${numbered(kept.map(({ row }) => row))}`,
  );
  yield* db.run(sql`update face set vector = null where crop is null and vector is not null and ${old}`);
}

export function* peopleEvents(db: Db): Steps<PeopleEvent[]> {
  const events = yield* db.all(build.selectFrom("people_event").selectAll().orderBy("number"));
  return events.map(({ number, at_ms, value, undone }) => ({
    ...parseStored<Pick<PeopleEvent, "change" | "made" | "before">>(value, `the change ${number} of people`),
    ...{ number, atMs: at_ms, undone: undone === 1 },
  }));
}

/** Changes people, and texts that name them. @throws DataError as `changePeople` and `undoPeople`; EngineError */
export async function change(
  store: Store,
  indexing: Indexing,
  asked: PeopleChange | PeopleUndo,
  atMs: number,
): Promise<PeopleEvent> {
  function* decide(db: Db) {
    const state = yield* peopleState(db);
    if (asked.kind === "undo") return { state, ...undoPeople(state, yield* peopleEvents(db), asked.number) };
    const number = (yield* lastNumber(db, "event")) + 1;
    const { patch, event } = changePeople(state, asked, number, yield* numbering(db));
    return { state, patch, event: { ...event, number, atMs, undone: false } };
  }
  // Texts are embedded before the transaction, in which they are made again: meanwhile a clip may have been seen.
  const vectors = new Map<string, Float32Array>();
  for (;;) {
    const texts = await store.perform((db) =>
      db.read(function* () {
        const { state, patch } = yield* decide(db);
        return yield* textsAfter(db, patched(state, patch));
      }),
    );
    const missing = [...new Set(texts.map(({ text }) => text))].filter((text) => !vectors.has(text));
    const made = indexing.embedder.meaning === undefined ? await embedAll(indexing.embedder, missing) : [];
    for (const [i, text] of missing.entries())
      vectors.set(text, made[i] ?? new Float32Array(indexing.embedder.dimension));
    const event = await store.perform((db) =>
      db.write(function* () {
        const { state, patch, event } = yield* decide(db);
        const now = yield* textsAfter(db, patched(state, patch));
        if (now.some(({ text }) => !vectors.has(text))) return null;
        yield* putPeople(db, patch);
        yield* keepEvent(db, event);
        yield* putTexts(db, indexing, now, vectors);
        yield* logPeople(db, touchedNumbers(state, patch));
        return event;
      }),
    );
    if (event) return event;
  }
}

function* keepEvent(db: Db, { number, atMs, undone, ...value }: PeopleEvent): Steps<void> {
  yield* db.run(sql`insert into people_event (number, at_ms, value, undone)
    values (${number}, ${atMs}, ${JSON.stringify(value)}, ${undone ? 1 : 0})
    on conflict (number) do update set undone = excluded.undone`);
  yield* given(db, "event", number);
}

function* logPeople(db: Db, numbers: readonly number[]): Steps<void> {
  if (numbers.length > 0) yield* logChange(db, { kind: "people", value: { people: numbers } });
}

interface ChangedText {
  readonly row: number;
  readonly text: string;
  readonly speakers: string;
}

/** Texts of entries that read differently for a state of people. */
function* textsAfter(db: Db, state: PeopleState): Steps<ChangedText[]> {
  const told = yield* db.all(
    sql<
      ChangedText & { told: string; stream: string; clip: number }
    >`select e.row, e.text, e.speakers, e.told,
      s.id as stream, e.clip from entry as e join stream as s on s.row = e.stream where e.told is not null`,
  );
  return told.flatMap(({ row, text, speakers, told, stream, clip }) => {
    const now = rendered(told, { stream, clip }, state);
    return now === text ? [] : [{ row, text: now, speakers }];
  });
}

/** Writes texts with all that is derived from them. Inside a transaction. */
function* putTexts(
  db: Db,
  indexing: Indexing,
  texts: readonly ChangedText[],
  vectors: ReadonlyMap<string, Float32Array>,
): Steps<void> {
  if (texts.length === 0) return;
  const space = yield* requireSpace(db, indexing);
  for (const { row, text, speakers } of texts) {
    yield* db.run(build.updateTable("entry").set({ text }).where("row", "=", row));
    yield* db.index.dropText(row);
    const names = parseStored<string[]>(speakers, "an entry");
    yield* insertText(db, row, { text, speakers: names }, indexing.words);
    const vector = vectors.get(text);
    if (vector && indexing.embedder.meaning === undefined) yield* setVector(db, space, row, vector);
  }
  if (indexing.embedder.meaning === undefined) return;
  const rows = texts.map(({ row }) => row);
  yield* letWait(db, [...rows, ...(yield* entriesAround(db, rows))]);
}

/** Makes texts read as people are called now, after rows were added. Inside a transaction. */
export function* renderTexts(
  db: Db,
  indexing: Indexing,
  vectors: ReadonlyMap<string, Float32Array>,
): Steps<void> {
  yield* putTexts(db, indexing, yield* textsAfter(db, yield* peopleState(db)), vectors);
}
