/** What the memory takes, how fast it grows, how long the disk lasts, and what models cost. */
import { Costs } from "../parts/costs.tsx";
import { Failed, Loading } from "../parts/notes.tsx";
import type { Output } from "../state/api.ts";
import { bytes, count, duration } from "../state/format.ts";
import { addressOf } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

type Stored = Output<"storage">;

export function Storage() {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => api.memory.storage(), [api.space]);
  useChanges(["entry", "clip", "forgotten"], reload, 5000);
  return (
    <main>
      <h1>Storage and cost</h1>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && <Told data={data} />}
      <Costs />
    </main>
  );
}

function Told({ data }: { data: Stored }) {
  const { databaseBytes, pictureBytes, freeBytes, bytesPerDay, fullInDays, streams } = data;
  const taken = databaseBytes + pictureBytes;
  return (
    <>
      <p class="big">
        <strong>{bytes(taken)}</strong>{" "}
        <span class="muted">
          {bytes(databaseBytes)} of memories and their index, {bytes(pictureBytes)} of pictures
        </span>
      </p>
      <dl class="facts">
        {freeBytes !== undefined && (
          <div>
            <dt>Free on the disk</dt>
            <dd>{bytes(freeBytes)}</dd>
          </div>
        )}
        <div>
          <dt>Growth</dt>
          <dd>{bytesPerDay === undefined ? "not known yet" : `about ${bytes(bytesPerDay)} a day`}</dd>
        </div>
        <div>
          <dt>The disk is full</dt>
          <dd>{fullInDays === undefined ? "not known yet" : forecast(fullInDays)}</dd>
        </div>
        {data.waitingVectors > 0 && (
          <div>
            <dt>Vectors to be made</dt>
            <dd>{data.waitingVectors.toLocaleString("en")}</dd>
          </div>
        )}
      </dl>
      {streams.length > 0 && <ByStream streams={streams} />}
    </>
  );
}

function ByStream({ streams }: Pick<Stored, "streams">) {
  const api = useApi();
  const totalOf = ({ entries, observations, frames }: Stored["streams"][number]) =>
    entries.bytes + observations.bytes + frames.bytes;
  const largest = streams.reduce((most, one) => Math.max(most, totalOf(one)), 1);
  return (
    <>
      <h2 class="below">By stream</h2>
      <p class="legend small muted">
        <span class="legend-accent">memories</span>
        <span class="legend-soft">pictures</span>
        <span class="legend-muted">observations, which are bounded: what learning tries policies on</span>
      </p>
      <ul class="bars">
        {streams
          .toSorted((a, b) => totalOf(b) - totalOf(a))
          .map((one) => (
            <li key={one.stream}>
              <span class="bar-head">
                <a href={addressOf(api.space, "timeline", { stream: one.stream })}>{one.stream}</a>
                <span class="muted small">
                  {count(one.entries.count, "memory", "memories")} of {duration(one.watchedSeconds)} watched
                </span>
                <span class="numbers">{bytes(totalOf(one))}</span>
              </span>
              <span class="stacked" style={{ width: `${Math.max(1, (100 * totalOf(one)) / largest)}%` }}>
                <span
                  class="is-entries"
                  style={{ flexGrow: one.entries.bytes }}
                  title={`memories: ${bytes(one.entries.bytes)}`}
                />
                <span
                  class="is-frames"
                  style={{ flexGrow: one.frames.bytes }}
                  title={`pictures: ${bytes(one.frames.bytes)}`}
                />
                <span
                  class="is-observations"
                  style={{ flexGrow: one.observations.bytes }}
                  title={`observations: ${bytes(one.observations.bytes)}`}
                />
              </span>
            </li>
          ))}
      </ul>
      <p class="muted small below">
        A picture that two streams show counts for each. The text index and the vectors are in no stream's
        sum.
      </p>
    </>
  );
}

function forecast(days: number): string {
  if (days > 3650) return "not within ten years";
  if (days > 730) return `in about ${Math.round(days / 365)} years`;
  if (days > 90) return `in about ${Math.round(days / 30.4)} months`;
  return `in about ${count(Math.max(1, Math.round(days)), "day")}`;
}
