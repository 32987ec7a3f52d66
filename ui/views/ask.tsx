/** A question, answered from memory alone, with the moments the answer rests on. */
import { useEffect, useRef, useState } from "preact/hooks";
import { EntryDetail } from "../parts/entry-detail.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Output, Quote } from "../state/api.ts";
import { ago } from "../state/format.ts";
import { addressOf, patch, usePlace } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

type Answer = Output<"ask">;

/** What was asked in this tab, by question and stream, so that going back asks nothing again. */
const asked = new Map<string, Answer>();

export function Ask() {
  const api = useApi();
  const { query } = usePlace();
  const { q, stream } = query;
  const [record, setRecord] = useState(true);
  const [state, setState] = useState<{ answer?: Answer; error?: Error; isAsking: boolean }>({
    isAsking: false,
  });
  const input = useRef<HTMLInputElement>(null);
  const streams = useLoaded(() => api.memory.streams(), [api.space]);
  const name = JSON.stringify([api.space, q, stream]);
  const ask = (question: string, recorded: boolean, as: string) => {
    setState({ isAsking: true });
    api.memory
      .ask({
        question,
        record: recorded,
        ...(stream !== undefined && { streams: [stream] }),
      })
      .then(
        (answer) => {
          asked.set(as, answer);
          if (latest.current === as) setState({ answer, isAsking: false });
        },
        (error: Error) => latest.current === as && setState({ error, isAsking: false }),
      );
  };
  const latest = useRef(name);
  latest.current = name;
  // A link with a question asks it without teaching the memory.
  useEffect(() => {
    const known = asked.get(name);
    if (q === undefined) setState({ isAsking: false });
    else if (known) setState({ answer: known, isAsking: false });
    else if (!own.current.has(name)) ask(q, false, name);
    if (input.current && q !== undefined) input.current.value = q;
  }, [name]);
  const own = useRef(new Set<string>());
  return (
    <main>
      <h1>Ask</h1>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          const question = input.current!.value.trim();
          if (question === "") return;
          const as = JSON.stringify([api.space, question, stream]);
          own.current.add(as);
          latest.current = as;
          patch({ q: question, entry: null });
          ask(question, record && api.may("ask"), as);
        }}
      >
        <input
          id="question"
          ref={input}
          aria-label="Question"
          placeholder="What is to be found out?"
          autocomplete="off"
        />
        <button type="submit" class="main" disabled={state.isAsking}>
          Ask
        </button>
      </form>
      <div class="ask-how small">
        {(streams.data?.streams.length ?? 0) > 1 && (
          <label>
            of{" "}
            <select
              value={stream ?? ""}
              onChange={({ currentTarget }) => patch({ stream: currentTarget.value, q: null, entry: null })}
            >
              <option value="">all streams</option>
              {streams.data!.streams.map((one) => (
                <option key={one.stream}>{one.stream}</option>
              ))}
            </select>
          </label>
        )}
        <label title="A question that is kept teaches the memory what to write down.">
          <input
            type="checkbox"
            checked={record}
            onChange={({ currentTarget }) => setRecord(currentTarget.checked)}
          />{" "}
          keep the question and learn from it
        </label>
      </div>
      {state.isAsking && <Loading />}
      {state.error && <Failed error={state.error} />}
      {state.answer && q !== undefined && <Answered answer={state.answer} question={q} />}
      {q === undefined && <Recent />}
    </main>
  );
}

function Answered({ answer, question }: { answer: Answer; question: string }) {
  const { query } = usePlace();
  const api = useApi();
  const { citations, closest, earlier, gaps, abstained } = answer;
  const open = query.entry ?? citations[0]?.entry;
  return (
    <section class="answer" aria-live="polite">
      <p class={`answer-text ${abstained ? "is-open" : ""}`}>
        {answer.option && <strong>{answer.option}. </strong>}
        {answer.answer}
      </p>
      {gaps.map((gap) => (
        <p key={`${gap.stream} ${gap.at}`} class="note">
          Not watching {gap.stream} from {gap.at} until {gap.until}: {gap.detail}.
        </p>
      ))}
      <div class="answer-split">
        <div>
          <Chips
            title={citations.length > 1 ? "It rests on" : "It rests on this moment"}
            quotes={citations}
            open={open}
          />
          <Chips title="What was said before that" quotes={earlier} open={open} />
          <Chips title="The closest moments" quotes={closest} open={open} />
        </div>
        {open !== undefined && (
          <div class="answer-moment">
            <EntryDetail id={open} isBrief />
          </div>
        )}
      </div>
      <div class="answer-foot">
        {answer.task !== undefined && <Verdict key={answer.task} task={answer.task} />}
        {answer.notRecorded && <p class="note">The question was not kept: {answer.notRecorded}</p>}
        <a
          class="small"
          href={addressOf(
            api.space,
            "trace",
            answer.task ? { task: answer.task } : { q: question, stream: query.stream },
          )}
        >
          How it was found
        </a>
      </div>
    </section>
  );
}

function Chips({
  title,
  quotes,
  open,
}: {
  title: string;
  quotes: readonly Quote[];
  open: string | undefined;
}) {
  if (quotes.length === 0) return null;
  return (
    <>
      {title && <h3>{title}</h3>}
      <ul class="quotes">
        {quotes.map(({ entry, at, stream, text }) => (
          <li key={entry}>
            <button
              type="button"
              class={`quote ${entry === open ? "is-selected" : ""}`}
              aria-pressed={entry === open}
              onClick={() => patch({ entry }, true)}
            >
              <span class="muted small">
                ▸ <time>{at}</time> {stream}
              </span>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Verdict({ task }: { task: string }) {
  const api = useApi();
  const [verdict, setVerdict] = useState<"right" | "wrong">();
  const [said, setSaid] = useState("");
  const send = (given: "right" | "wrong", correction?: string) =>
    api.memory
      .feedback({
        ...{ task, verdict: given },
        ...(correction && { correction }),
      })
      .then(
        () => setSaid(given === "right" ? "Noted." : correction ? "Noted, with what is right." : "Noted."),
        (error: Error) => setSaid(error.message),
      );
  if (!api.may("write")) return null;
  return (
    <div class="verdict">
      <span class="muted small">Was that right?</span>
      <button
        type="button"
        aria-pressed={verdict === "right"}
        onClick={() => {
          setVerdict("right");
          void send("right");
        }}
      >
        Yes
      </button>
      <button
        type="button"
        aria-pressed={verdict === "wrong"}
        onClick={() => {
          setVerdict("wrong");
          void send("wrong");
        }}
      >
        No
      </button>
      {verdict === "wrong" && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send("wrong", String(new FormData(event.currentTarget).get("correction")).trim());
          }}
        >
          <input name="correction" aria-label="The right answer" placeholder="What is right?" />
        </form>
      )}
      {said && (
        <span class="small" role="status">
          {said}
        </span>
      )}
    </div>
  );
}

/** Questions that were asked before, the latest first. */
function Recent() {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => api.memory.tasks({ limit: 20, newest: true }), [api.space]);
  useChanges(["task", "feedback", "forgotten"], reload);
  if (error) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading />;
  if (data.tasks.length === 0)
    return (
      <Empty title="Nothing was asked yet">
        The answer comes from what is remembered, and shows the moment it was seen. Each question teaches the
        memory what to write down.
      </Empty>
    );
  return (
    <section>
      <h2>Asked before</h2>
      <ul class="asked">
        {data.tasks.map(({ task, question, answer, abstained, askedAt, feedback }) => (
          <li key={task}>
            <a href={addressOf(api.space, "trace", { task })}>{question}</a>
            <span class={abstained ? "muted" : ""}>{abstained ? "not in memory" : answer}</span>
            <span class="muted small">
              {ago(askedAt)}
              {feedback && ` · ${feedback.verdict}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
