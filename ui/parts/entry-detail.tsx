/** One memory: its moment, its words, what it rests on, and who wrote it. */
import type { Output } from "../state/api.ts";
import { ago } from "../state/format.ts";
import { addressOf } from "../state/location.ts";
import { useApi, useLoaded } from "../state/use.ts";
import { Moment } from "./moment.tsx";
import { Failed, Loading } from "./notes.tsx";

interface Props {
  readonly id: string;
  readonly isPlaying?: boolean;
  /** Whether its text stands elsewhere. @default false */
  readonly isBrief?: boolean;
  readonly onClose?: () => void;
  readonly onStep?: (by: number) => void;
}

export function EntryDetail({ id, isPlaying = false, isBrief = false, onClose, onStep }: Props) {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => api.memory.evidence({ entry: id }), [id]);
  return (
    <article class="detail">
      {(onStep || onClose) && (
        <div class="detail-bar">
          {onStep && (
            <>
              <button type="button" class="quiet" aria-label="The memory before" onClick={() => onStep(-1)}>
                ←
              </button>
              <button type="button" class="quiet" aria-label="The next memory" onClick={() => onStep(1)}>
                →
              </button>
            </>
          )}
          <span class="grow" />
          {onClose && (
            <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
              ✕
            </button>
          )}
        </div>
      )}
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && <Shown {...{ data, isPlaying, isBrief }} />}
    </article>
  );
}

/** Where a text that is not speech comes from. */
const whence: Readonly<Record<string, string>> = {
  screen: "on the screen",
  caption: "caption",
  sound: "heard",
};

function Shown({
  data,
  isPlaying,
  isBrief,
}: {
  data: Output<"evidence">;
  isPlaying: boolean;
  isBrief: boolean;
}) {
  const api = useApi();
  const { entry, sources, policy, revision, writtenAt, closed } = data;
  const { stream, startSeconds, endSeconds } = entry;
  return (
    <>
      <Moment {...{ stream, startSeconds, endSeconds, isPlaying }} />
      <p class="detail-when">
        <time>{entry.at}</time> <span class="muted">{stream}</span>
      </p>
      {!isBrief && <p class="detail-text">{entry.text}</p>}
      {closed && (
        <p class="note">
          No longer current since {ago(closed.at)}: {closed.reason}.{" "}
          {closed.supersededBy && (
            <a href={addressOf(api.space, "timeline", { stream, entry: closed.supersededBy })}>
              What replaced it
            </a>
          )}
        </p>
      )}
      {sources.length > 0 && !(isBrief && sources.every(({ text }) => entry.text.includes(text))) && (
        <section>
          <h3>It rests on</h3>
          <ul class="sources">
            {sources.map(({ at, kind, text, speaker }) => (
              <li key={`${at} ${text}`}>
                <span class="muted small">
                  <time>{at}</time> {whence[kind] ?? speaker ?? "said"}
                </span>
                <q>{text}</q>
              </li>
            ))}
          </ul>
        </section>
      )}
      <dl class="facts small">
        {policy !== undefined && (
          <div>
            <dt>Written by</dt>
            <dd>
              {policy} <code title="Revision of the policy and its adapter">{revision}</code>
            </dd>
          </div>
        )}
        {writtenAt !== undefined && (
          <div>
            <dt>Written</dt>
            <dd title={writtenAt}>{ago(writtenAt)}</dd>
          </div>
        )}
        {entry.kind === "floor" && (
          <div>
            <dt>Kind</dt>
            <dd>what a cheap look tells, which no policy wrote</dd>
          </div>
        )}
        {entry.speakers.length > 0 && (
          <div>
            <dt>People</dt>
            <dd>{entry.speakers.join(", ")}</dd>
          </div>
        )}
      </dl>
      <p class="links small">
        <a href={addressOf(api.space, "timeline", { stream, entry: entry.entry })}>Link to it</a>
        {api.may("forget") && (
          <a href={addressOf(api.space, "forget", { entries: entry.entry })}>Forget it…</a>
        )}
      </p>
    </>
  );
}
