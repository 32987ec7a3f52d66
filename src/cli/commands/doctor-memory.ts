/** The checks of `taskmem doctor` that are about memory: whether it is sound, and what it lacks of its streams. */
import { leftOutLines, whyNothing } from "../../answer/left-out.ts";
import type { Config } from "../../config.ts";
import type { LeftOut, Memory } from "../../memory/memory.ts";
import { hasMemory, shownPlace } from "../../memory/place.ts";
import type { VectorSearch } from "../../memory/stored-memory.ts";
import { openConfiguredMemory } from "../../taskmem/assembly.ts";
import type { Check } from "../../taskmem/check.ts";
import { maskedMessage } from "../../util/secrets.ts";
import { counted } from "../output.ts";
import { attempt } from "./doctor-attempt.ts";

/** A check, and what was left out of a stream. */
export interface MemoryCheck extends Check {
  readonly leftOut?: readonly LeftOut[];
}

/** Reads the whole memory against its checksums. */
export async function memoryChecks(config: Config): Promise<MemoryCheck[]> {
  const there = await attempt("memory", () => hasMemory(config.memory));
  if ("failed" in there) return [there.failed];
  if (!there.value) {
    const detail = `none yet in ${shownPlace(config.memory)}: nothing was watched`;
    return [{ check: "memory", state: "ok", detail, fix: "taskmem watch <source>" }];
  }
  const checked = await attempt("memory", async () => {
    const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
    try {
      return {
        problems: await memory.check(),
        stats: await memory.stats(),
        failures: await memory.clipFailures(),
        streams: await streamChecks(memory),
        vectors: await memory.vectorSearch(),
        bucket: memory.bucket,
      };
    } finally {
      await memory.close();
    }
  });
  if ("failed" in checked) return [checked.failed];
  const { problems, stats, failures, streams, vectors, bucket } = checked.value;
  if (problems.length > 0) {
    const fix = "export what can be read: taskmem export <directory>";
    return [{ check: "memory", state: "broken", detail: problems.join(" "), fix }];
  }
  const { clips, entries, tasks, databaseBytes, blobBytes, waitingVectors } = stats;
  const sound = `${counted(stats.streams, "stream")}, ${counted(clips, "clip")}, ${counted(entries, "entry", "entries")}, ${counted(tasks, "question")}, ${((databaseBytes + blobBytes) / 1e6).toFixed(1)} MB, sound`;
  const failed = `; ${failures.length} clips failed, last: ${failures.at(-1)?.failure.message}`;
  return [
    {
      ...{ check: "memory", state: "ok", detail: failures.length === 0 ? sound : `${sound}${failed}` },
      fix: failures.length === 0 ? null : "watch the stream again to retry them",
    },
    ...vectorChecks(vectors),
    ...bucketChecks(bucket, stats.blobs),
    ...(waitingVectors > 0 ? [waitingCheck(waitingVectors)] : []),
    ...streams,
  ];
}

/** How the vectors of a memory in Postgres are compared. */
function vectorChecks({ by, vectors, isApproximate, lacksIndex }: VectorSearch): MemoryCheck[] {
  const check = "memory vectors";
  const many = counted(vectors, "vector");
  if (by === "sqlite-vec") return [];
  if (by === "process")
    return [
      {
        ...{ check, state: "missing" },
        detail: `${many}, compared exactly by this process, which reads all of them for each question: the server had no pgvector 0.8 when the memory was made`,
        fix: "create extension vector in its database, then taskmem migrate to a new space",
      },
    ];
  if (isApproximate)
    return [{ check, state: "ok", detail: `${many}, found by an HNSW index of pgvector`, fix: null }];
  const exact = `${many}, compared exactly by pgvector`;
  if (lacksIndex === null) return [{ check, state: "ok", detail: exact, fix: null }];
  return [
    {
      ...{ check, state: "missing" },
      detail: `${exact}; so many want an HNSW index, and there is none: ${lacksIndex}`,
      fix: "the next watch builds it, and says here why it cannot",
    },
  ];
}

/** Where the pictures of a memory are that is not on this machine; each of them was read. */
function bucketChecks(bucket: string | null, blobs: number): MemoryCheck[] {
  if (bucket === null) return [];
  const detail = `${counted(blobs, "picture")} in ${maskedMessage(bucket)}`;
  return [{ check: "memory pictures", state: "ok", detail, fix: null }];
}

const waitingCheck = (waiting: number): MemoryCheck => ({
  ...{ check: "memory index", state: "missing" },
  detail: `${counted(waiting, "entry", "entries")} not yet compared by meaning; found by words until then`,
  fix: "the next watch does it, or taskmem reindex",
});

/** Streams of which something was left out or nothing is remembered. */
async function streamChecks(memory: Memory): Promise<MemoryCheck[]> {
  const checks: MemoryCheck[] = [];
  for (const stream of await memory.streams()) {
    const { id, leftOut } = stream;
    const why = await whyNothing(memory, [stream]);
    if (why === null && leftOut.length === 0) continue;
    const detail = why === null ? `left out: ${leftOutLines(leftOut).join(" ")}` : why.join(" ");
    checks.push({ check: `stream ${id}`, state: "missing", detail, fix: null, leftOut });
  }
  return checks;
}
