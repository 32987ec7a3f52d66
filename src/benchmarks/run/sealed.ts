/**
 * Memory as an answerer may see it: what was written and when, up to the moment of the question, and nothing else.
 *
 * A sealed memory looks like a memory, so that every answerer works on it. Entries come without their evidence: source
 * texts and frames are what the policy saw, not what it kept. All else that is reached for, blobs, observations, paths,
 * writing, is refused, and every access is on record. This guards against a mistake or a shortcut in an answerer; one
 * that reads the disk by itself is beyond what a process can keep from its own code.
 */
import { StoreError } from "../../errors.ts";
import type { Entry, EntryFilter, Gap, Memory, RecallQuery, StreamRecord } from "../../memory/memory.ts";

/** One thing an answerer did with its memory. */
export interface Access {
  /** Name of the method or property. */
  readonly call: string;
  readonly refused: boolean;
  /** How many entries, gaps or streams came back. */
  readonly returned: number;
}

export interface SealedMemory {
  /** What the answerer is handed. */
  readonly memory: Memory;
  /** In order. */
  readonly accesses: readonly Access[];
}

/**
 * Seals a memory for one question.
 * @param stream the only stream that is seen
 * @param askTime nothing that ended later is seen; `end` for everything
 */
export function sealMemory(memory: Memory, stream: string, askTime: number | "end"): SealedMemory {
  const accesses: Access[] = [];
  const limit = askTime === "end" ? Number.POSITIVE_INFINITY : askTime;
  /** Runs a read; errors tell nothing of where the memory lies. */
  const read = async <T>(call: string, work: () => Promise<T[]>): Promise<T[]> => {
    let found: T[];
    try {
      found = await work();
    } catch {
      accesses.push({ call, refused: true, returned: 0 });
      throw new StoreError("sealed-read-failed", `Expected ${call} of the sealed memory to work, it failed`);
    }
    accesses.push({ call, refused: false, returned: found.length });
    return found;
  };
  // What is asked for may be of any type: it narrows what is seen, or it changes nothing.
  const upTo = (asked: unknown) => (typeof asked === "number" && asked < limit ? asked : limit);
  const within = <F extends EntryFilter>(filter: F): F => {
    const asOf = upTo(filter.asOfSeconds);
    const isOfOthers = Array.isArray(filter.streams) && !filter.streams.includes(stream);
    return {
      ...filter,
      streams: isOfOthers ? [] : [stream],
      ...(asOf < Number.POSITIVE_INFINITY && { asOfSeconds: asOf }),
    };
  };
  const open: Pick<Memory, "streams" | "entries" | "gaps" | "floor" | "clipFailures" | "recall" | "entry"> = {
    streams: () =>
      read("streams", async () =>
        (await memory.streams()).filter(({ id }) => id === stream).map(sealedStream),
      ),
    entries: (filter = {}) =>
      read("entries", async () => (await memory.entries(within(filter))).map(sealedEntry)),
    recall: (query: RecallQuery) =>
      read("recall", async () =>
        (await memory.recall(within(query))).map(({ entry, score }) =>
          Object.freeze({ entry: sealedEntry(entry), score: frozen(score) }),
        ),
      ),
    gaps: (filter = {}) =>
      read("gaps", async () => {
        const { streams, toSeconds, asOfSeconds: _, ...rest } = within<EntryFilter>({ ...filter });
        const gaps = await memory.gaps({
          ...rest,
          streams: streams ?? [],
          toSeconds: upTo(toSeconds),
        });
        return gaps.filter(({ startSeconds }) => startSeconds < limit).map((gap) => cutGap(gap, limit));
      }),
    // What the policy saw, not what it kept.
    floor: async () => [],
    clipFailures: async () => [],
    entry: async (id) => {
      const [found] = await read("entry", async () => {
        const known = await memory.entries(within({ includeClosed: true }));
        return known.filter((entry) => entry.id === id).map(sealedEntry);
      });
      return found ?? null;
    },
  };
  const sealed = new Proxy(Object.freeze(open), {
    get(target, name) {
      if (Object.hasOwn(target, name)) return target[name as keyof typeof target];
      // A promise is looked for wherever a value is awaited.
      if (name === "then") return undefined;
      throw refuse(String(name), accesses);
    },
    has: (target, name) => Object.hasOwn(target, name),
    set: (_, name) => {
      throw refuse(`set ${String(name)}`, accesses);
    },
    defineProperty: (_, name) => {
      throw refuse(`define ${String(name)}`, accesses);
    },
    getPrototypeOf: () => null,
  });
  return { memory: sealed as unknown as Memory, accesses };
}

function refuse(call: string, accesses: Access[]): StoreError {
  accesses.push({ call, refused: true, returned: 0 });
  return new StoreError(
    "sealed",
    `Expected the answerer to use what memory holds, it reached for \`${call}\`: media, paths and writing are sealed`,
    { details: { call } },
  );
}

/** What was written, where and when; no source texts, no frames, no perceptors. */
function sealedEntry(entry: Entry): Entry {
  const { clips, startSeconds, endSeconds } = entry.evidence;
  return frozen({
    ...entry,
    evidence: { clips: [...clips], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
  });
}

/** A stream's description is the path or address it was watched from; what was left out names files. */
function sealedStream(stream: StreamRecord): StreamRecord {
  return frozen({ ...stream, description: stream.id, fingerprint: null, leftOut: [] });
}

/** A gap that lasts past the question is known up to it; its detail may name files. */
function cutGap(gap: Gap, limit: number): Gap {
  return frozen({ ...gap, endSeconds: Math.min(gap.endSeconds, limit), detail: gap.reason });
}

/** A copy that cannot be written to, nor what it holds. */
function frozen<T>(value: T): T {
  return deepFreeze(structuredClone(value));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
