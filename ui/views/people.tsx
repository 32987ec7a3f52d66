/** Who is who, by face: name, merge, split and reject by choosing faces, and undo. */
import { useState } from "preact/hooks";
import { Moment } from "../parts/moment.tsx";
import { Empty, Failed, Loading } from "../parts/notes.tsx";
import type { Input, Output, SpaceApi } from "../state/api.ts";
import { ago, count } from "../state/format.ts";
import { patch, usePlace } from "../state/location.ts";
import { useApi, useChanges, useLoaded } from "../state/use.ts";

type Told = Output<"people">;
type Person = NonNullable<Told["people"]>[number];
type Face = NonNullable<Told["faces"]>[number];

const ask = (api: SpaceApi, input: Input<"people">) => api.memory.people(input);
const nameOf = ({ name, id }: Pick<Person, "name" | "id">) => name ?? id.replace("_", " ");

export function People() {
  const api = useApi();
  const { query } = usePlace();
  const [said, setSaid] = useState<{ text: string; isBad: boolean }>();
  const may = api.may("people");
  const list = useLoaded(
    () => (may ? ask(api, { op: "list" }) : Promise.resolve<Told>({})),
    [api.space, may],
  );
  const changes = useLoaded(
    () => (may ? ask(api, { op: "changes" }) : Promise.resolve<Told>({})),
    [api.space, may],
  );
  const reload = () => {
    list.reload();
    changes.reload();
  };
  useChanges(["people", "forgotten"], reload);
  if (!may)
    return (
      <main>
        <h1>People</h1>
        <Empty title="This key may not see people">
          Ask for one with the scope <code>people</code>.
        </Empty>
      </main>
    );
  const change = (input: Input<"people">) =>
    ask(api, input).then(
      ({ changes: [made] = [] }) => {
        setSaid({ text: made ? `${made.what}${made.undone ? ", undone" : ""}.` : "Done.", isBad: false });
        reload();
      },
      (error: Error) => setSaid({ text: error.message, isBad: true }),
    );
  const people = list.data?.people ?? [];
  const shown = people.find(({ person }) => String(person) === query.person);
  return (
    <main class="wide">
      <h1>People</h1>
      <p class="lead">
        Told apart by their faces, where that was asked for. The memory never names anybody by itself. Every
        change reaches what was written before, and can be undone.
      </p>
      {list.error && <Failed error={list.error} retry={reload} />}
      {!list.data && !list.error && <Loading />}
      {list.data && people.length === 0 && (
        <Empty title="No one is known by face">
          Watch with <code>--people</code>, after <code>taskmem models pull faces</code>.
        </Empty>
      )}
      {said && (
        <p class={`small ${said.isBad ? "bad" : "good"}`} role="status">
          {said.text}
        </p>
      )}
      {people.length > 0 && (
        <ul class="people">
          {people.map((one) => (
            <li key={one.person}>
              <button
                type="button"
                class={`person ${one === shown ? "is-selected" : ""}`}
                aria-pressed={one === shown}
                onClick={() => patch({ person: one === shown ? null : one.person, nobody: null }, true)}
              >
                <Picture hash={one.crop} name={nameOf(one)} />
                <span>{nameOf(one)}</span>
                <span class="muted small">{count(one.faces, "face")}</span>
              </button>
            </li>
          ))}
          <li>
            <button
              type="button"
              class={`person ${query.nobody ? "is-selected" : ""}`}
              aria-pressed={query.nobody !== undefined}
              onClick={() => patch({ person: null, nobody: query.nobody ? null : 1 }, true)}
            >
              <Picture hash={undefined} name="?" />
              <span>No one known</span>
              <span class="muted small">faces left over</span>
            </button>
          </li>
        </ul>
      )}
      {shown && <OnePerson key={shown.person} {...{ shown, people, change }} />}
      {query.nobody !== undefined && people.length > 0 && <Left people={people} change={change} />}
      {(changes.data?.changes?.length ?? 0) > 0 && (
        <section class="below">
          <h2>What was changed</h2>
          <ul class="plain-list small">
            {changes.data!.changes!.toReversed().map(({ change: number, at, what, undone }) => (
              <li key={number} class="change">
                <span class={undone ? "muted" : ""}>
                  {what} <span class="muted">· {ago(at)}</span>
                </span>
                {undone ? (
                  <span class="muted">undone</span>
                ) : (
                  <button
                    type="button"
                    class="quiet"
                    onClick={() => void change({ op: "undo", change: number })}
                  >
                    Undo
                  </button>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}

function Picture({ hash, name }: { hash: string | undefined; name: string }) {
  const api = useApi();
  return hash === undefined ? (
    <span class="face is-empty">{name.slice(0, 1)}</span>
  ) : (
    <img class="face" src={api.picture(hash)} alt="" loading="lazy" />
  );
}

type Change = (input: object) => Promise<void>;

function OnePerson({ shown, people, change }: { shown: Person; people: readonly Person[]; change: Change }) {
  const api = useApi();
  const { person, name, suggestedName, maybeSame, streams } = shown;
  const faces = useLoaded(() => ask(api, { op: "list", person }), [person, shown.faces, shown.goodFaces]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [other, setOther] = useState("");
  const others = people.filter((one) => one.person !== person);
  const act = (input: object) => change(input).then(() => setChosen(new Set()));
  const target = others.find((one) => String(one.person) === other);
  return (
    <section class="card below">
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          const given = String(new FormData(event.currentTarget).get("name")).trim();
          void change({ op: "name", person, ...(given !== "" && { name: given }) });
        }}
      >
        <input
          name="name"
          aria-label="Name"
          defaultValue={name ?? ""}
          placeholder="What is the person called?"
        />
        <button type="submit">{name === undefined ? "Name" : "Rename"}</button>
      </form>
      {suggestedName && name === undefined && (
        <p class="small">
          Print beside the face looks like a name: <strong>{suggestedName.name}</strong>.{" "}
          <button
            type="button"
            class="quiet"
            onClick={() => void change({ op: "name", person, name: suggestedName.name })}
          >
            Take it
          </button>
        </p>
      )}
      <p class="muted small seen">
        {streams.map(({ stream, at, until }) => `${stream} ${at} – ${until}`).join(", ")}
        {shown.told ? "" : " · seen too little to be spoken of"}
        {maybeSame.length > 0 && ` · may be the same as ${maybeSame.join(", ")}`}
      </p>
      {others.length > 0 && (
        <p class="actions">
          <select
            aria-label="Another person"
            value={other}
            onChange={({ currentTarget }) => setOther(currentTarget.value)}
          >
            <option value="">Merge with…</option>
            {others.map((one) => (
              <option key={one.person} value={one.person}>
                {nameOf(one)}
              </option>
            ))}
          </select>
          {target && (
            <>
              <button
                type="button"
                onClick={() => void act({ op: "merge", person, people: [target.person] })}
                title={`${nameOf(target)} becomes part of ${nameOf(shown)}`}
              >
                {nameOf(target)} is {nameOf(shown)}
              </button>
              <button
                type="button"
                onClick={() =>
                  void act({ op: "merge", person: target.person, people: [person] }).then(() =>
                    patch({ person: target.person }, true),
                  )
                }
                title={`${nameOf(shown)} becomes part of ${nameOf(target)}`}
              >
                {nameOf(shown)} is {nameOf(target)}
              </button>
            </>
          )}
        </p>
      )}
      {faces.error && <Failed error={faces.error} retry={faces.reload} />}
      <Faces faces={faces.data?.faces ?? []} {...{ chosen, setChosen }} />
      <p class="actions">
        <button
          type="button"
          disabled={chosen.size === 0}
          onClick={() => void act({ op: "split", person, faces: [...chosen] })}
        >
          Someone else: split {chosen.size || ""}
        </button>
        <button
          type="button"
          disabled={chosen.size === 0}
          onClick={() => void act({ op: "reject", person, faces: [...chosen] })}
        >
          Not {nameOf(shown)}: reject {chosen.size || ""}
        </button>
        {chosen.size === 0 && <span class="muted small">Choose faces first.</span>}
      </p>
    </section>
  );
}

/** Faces of no one, to be given to someone. */
function Left({ people, change }: { people: readonly Person[]; change: Change }) {
  const api = useApi();
  const { data, error, reload } = useLoaded(() => ask(api, { op: "list", nobody: true }), [people]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [to, setTo] = useState("");
  return (
    <section class="card below">
      {error && <Failed error={error} retry={reload} />}
      {data?.faces?.length === 0 && <p class="muted">Every face is someone's.</p>}
      <Faces faces={data?.faces ?? []} {...{ chosen, setChosen }} />
      {(data?.faces?.length ?? 0) > 0 && (
        <p class="actions">
          <select aria-label="Person" value={to} onChange={({ currentTarget }) => setTo(currentTarget.value)}>
            <option value="">Of whom?</option>
            {people.map((one) => (
              <option key={one.person} value={one.person}>
                {nameOf(one)}
              </option>
            ))}
          </select>
          <button
            type="button"
            disabled={chosen.size === 0 || to === ""}
            onClick={() =>
              void change({ op: "add", person: Number(to), faces: [...chosen] }).then(() => {
                setChosen(new Set());
                reload();
              })
            }
          >
            Add {chosen.size || ""}
          </button>
        </p>
      )}
    </section>
  );
}

interface FacesProps {
  readonly faces: readonly Face[];
  readonly chosen: ReadonlySet<string>;
  readonly setChosen: (chosen: ReadonlySet<string>) => void;
}

function Faces({ faces, chosen, setChosen }: FacesProps) {
  const [open, setOpen] = useState<Face>();
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <>
      <ul class="faces">
        {faces.map((one) => (
          <li key={one.face}>
            <button
              type="button"
              class="face-button"
              aria-pressed={chosen.has(one.face)}
              aria-label={`Face at ${one.at} of ${one.stream}`}
              onClick={() => toggle(one.face)}
            >
              <Picture hash={one.crop} name="?" />
            </button>
            <button type="button" class="quiet small" onClick={() => setOpen(one === open ? undefined : one)}>
              <time>{one.at}</time>
            </button>
          </li>
        ))}
      </ul>
      {open && (
        <div class="tray-moment">
          <Moment stream={open.stream} startSeconds={open.startSeconds} endSeconds={open.endSeconds} />
        </div>
      )}
    </>
  );
}
