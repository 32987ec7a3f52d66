/** One question from end to end: what each way of recall found, what the answer rests on, and where a lost answer was lost. */
import { EntryDetail } from "../parts/entry-detail.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Output } from "../state/api.ts";
import { ago, count } from "../state/format.ts";
import { addressOf, patch, usePlace } from "../state/location.ts";
import { useApi, useLoaded } from "../state/use.ts";

type Trace = Output<"trace">;
type Recalled = Trace["recalled"][number];

export function TraceView() {
  const api = useApi();
  const { query } = usePlace();
  const { task, q, stream } = query;
  const isAsked = task !== undefined || q !== undefined;
  const { data, error, reload } = useLoaded(
    () =>
      isAsked
        ? api.memory.trace({
            ...(task === undefined ? { question: q } : { task }),
            ...(stream !== undefined && { streams: [stream] }),
          })
        : Promise.resolve(null),
    [task, q, stream],
  );
  return (
    <main class="wide">
      <p class="small">
        <a href={addressOf(api.space, "ask")}>Ask</a> <span class="muted">›</span> how it was found
      </p>
      {!isAsked && <Empty title="No question is chosen">Choose one of those that were asked.</Empty>}
      {error && <Failed error={error} retry={reload} />}
      {isAsked && !data && !error && <Loading />}
      {data && <Told trace={data} />}
    </main>
  );
}

function Told({ trace }: { trace: Trace }) {
  const { question, answer, option, abstained, recalled, asked, milliseconds } = trace;
  const cited = recalled.filter((one) => one.cited).length;
  const tokens = recalled.reduce((sum, one) => sum + one.tokens, 0);
  return (
    <>
      <h1 class="trace-question">{question}</h1>
      {asked && <Then asked={asked} />}
      <ol class="stages">
        <li>
          <h2>Recalled</h2>
          <p class="stage-number">{recalled.length}</p>
          <p class="muted small">{count(tokens, "token")} for the reader</p>
        </li>
        <li>
          <h2>Cited</h2>
          <p class="stage-number">{cited}</p>
          <p class="muted small">
            {cited === 0
              ? "nothing answers it"
              : cited === 1
                ? "the answer rests on it"
                : "the answer rests on these"}
          </p>
        </li>
        <li class="grow">
          <h2>Answered</h2>
          <p class={`stage-answer ${abstained ? "muted" : ""}`}>
            {option && <strong>{option}. </strong>}
            {answer}
          </p>
          <p class="muted small">
            in {Math.round(milliseconds)} ms
            {trace.promptTokens + trace.completionTokens > 0 &&
              ` · ${trace.promptTokens.toLocaleString("en")} tokens read, ${trace.completionTokens.toLocaleString("en")} written`}
            {trace.usd > 0 && ` · $${trace.usd.toFixed(4)}`}
          </p>
        </li>
      </ol>
      {recalled.length === 0 ? (
        <Empty title="Nothing was recalled">No memory shares a word or a meaning with the question.</Empty>
      ) : (
        <Found recalled={recalled} />
      )}
      <Lost trace={trace} />
    </>
  );
}

/** Memories that are shown at first. */
const shownFirst = 8;

/** What was recalled, with its rank in each channel that found any, beside one of them. */
function Found({ recalled }: { recalled: Trace["recalled"] }) {
  const { query } = usePlace();
  const open = query.entry ?? recalled.find((one) => one.cited)?.entry;
  const rows = query.all === undefined ? recalled.slice(0, shownFirst) : recalled;
  const meaning = recalled.some((one) => one.byMeaning) ? "Meaning" : "Spelling";
  const used = channels.filter(({ name }) => recalled.some((one) => one[name]));
  return (
    <div class={`split is-even ${query.entry ? "is-open" : ""}`}>
      <div class="split-list">
        <table class="found">
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">Memory</th>
              {used.map(({ name, title, about }) => (
                <th key={name} scope="col" title={about}>
                  {name === "likeness" ? meaning : title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one, i) => (
              <Row key={one.entry} one={one} used={used} place={i + 1} isOpen={one.entry === open} />
            ))}
          </tbody>
        </table>
        {rows.length < recalled.length && (
          <button type="button" class="quiet more" onClick={() => patch({ all: 1 }, true)}>
            Show all {recalled.length}
          </button>
        )}
      </div>
      <aside class="split-detail">
        {open ? (
          <EntryDetail id={open} {...(query.entry && { onClose: () => patch({ entry: null }, true) })} />
        ) : (
          <Empty title="Choose a memory">Its moment and what it rests on are shown here.</Empty>
        )}
      </aside>
    </div>
  );
}

const channels = [
  { name: "words", title: "Words", about: "Rank among memories that share words with the question" },
  { name: "likeness", title: "Spelling", about: "Rank by the likeness of question and memory" },
  { name: "time", title: "Time", about: "Rank by nearness to a moment that is asked about" },
  { name: "speaker", title: "People", about: "Rank by people who are asked about" },
] as const;

function Then({ asked }: { asked: NonNullable<Trace["asked"]> }) {
  const { answer, abstained, askedAt, feedback, reader } = asked;
  return (
    <p class="muted">
      Asked {ago(askedAt)};{" "}
      {answer === undefined ? "not answered" : abstained ? "not in memory then" : `answered then: ${answer}`}
      {` (${reader === "nobody" ? "no reader" : reader})`}
      {feedback && (
        <span class={feedback.verdict === "right" ? "good" : "bad"}>
          {" "}
          Said to be {feedback.verdict}
          {feedback.correction && `; right is: ${feedback.correction}`}.
        </span>
      )}
    </p>
  );
}

interface RowProps {
  readonly one: Recalled;
  readonly used: readonly (typeof channels)[number][];
  readonly place: number;
  readonly isOpen: boolean;
}

function Row({ one, used, place, isOpen }: RowProps) {
  return (
    <tr class={isOpen ? "is-selected" : ""}>
      <td class="numbers muted">{place}</td>
      <td>
        <button type="button" class="found-text" onClick={() => patch({ entry: one.entry }, true)}>
          <span class="muted small">
            <time>{one.at}</time> {one.stream} {one.cited && <span class="state good">cited</span>}
          </span>
          <span>{one.text}</span>
        </button>
      </td>
      {used.map(({ name }) => (
        <td key={name} class="numbers rank" title={one[name] && `score ${one[name].score.toFixed(3)}`}>
          {one[name] ? (
            <span class={one[name].rank <= 3 ? "rank-high" : ""}>{one[name].rank}</span>
          ) : (
            <span class="muted">–</span>
          )}
        </td>
      ))}
    </tr>
  );
}

/** Where a lost answer was lost, once one says what is right. */
function Lost({ trace }: { trace: Trace }) {
  const api = useApi();
  const { query } = usePlace();
  const { expected } = query;
  const asked = trace.asked ? { task: trace.asked.task } : { question: trace.question };
  const { data, error, isLoading } = useLoaded(
    () => (expected === undefined ? Promise.resolve(null) : api.memory.explain({ ...asked, expected })),
    [asked, expected],
  );
  return (
    <section class="card below">
      <h2>Not the right answer?</h2>
      <p class="muted small">Say what is right, in words that were used, and see which stage lost it.</p>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          patch({ expected: String(new FormData(event.currentTarget).get("expected")).trim() });
        }}
      >
        <input
          name="expected"
          aria-label="The right answer"
          placeholder="The right answer"
          required
          defaultValue={expected ?? trace.asked?.feedback?.correction ?? ""}
        />
        <button type="submit" disabled={isLoading}>
          Find out
        </button>
      </form>
      {error && <p class="bad">{error.message}</p>}
      {data && (
        <div role="status">
          <ol class="lost">
            {stages.map(([name, outcome]) => (
              <li key={name} class={lostAt(data.outcome) === outcome ? "is-lost" : ""}>
                {name}
              </li>
            ))}
          </ol>
          <p>{data.reason}</p>
        </div>
      )}
    </section>
  );
}

const stages = [
  ["Perceived", "never-perceived"],
  ["Kept", "dropped"],
  ["Found", "not-found"],
  ["Read", "not-read"],
] as const;

/** The stage of an outcome. */
function lostAt(outcome: Output<"explain">["outcome"]): string {
  return outcome === "not-decided" ? "dropped" : outcome;
}
