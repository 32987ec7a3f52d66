/** Errors that all stores share. */
import { StoreError } from "../errors.ts";
import type { LeaseHolder } from "./memory.ts";

/** `stream-unknown`: the stream to write or resume was never added. */
export function unknownStream(id: string): StoreError {
  return new StoreError("stream-unknown", `This memory has no stream ${id}. Add it with addStream first.`, {
    details: { stream: id },
  });
}

/** `stream-changed`: the id belongs to a stream with other content or another clip length. */
export function changedStream(id: string, what: string): StoreError {
  return new StoreError(
    "stream-changed",
    `The stream ${id} has another ${what} than when it was first watched. Name the new one with --stream, or forget the old one.`,
    { details: { stream: id } },
  );
}

/** `clip-unknown`: the clip to decide was never perceived, or was forgotten. */
export function unknownClip(stream: string, clip: number): StoreError {
  return new StoreError(
    "clip-unknown",
    `Clip ${clip} of ${stream} was never perceived, or was forgotten. Journal it with addObservation first.`,
    { details: { stream, clip } },
  );
}

/** `clip-decided`: the clip was already stored, or failed for good. */
export function decidedClip(stream: string, clip: number): StoreError {
  return new StoreError(
    "clip-decided",
    `Clip ${clip} of ${stream} is already decided: it was stored, or it failed for good. Put new items into a later clip.`,
    { details: { stream, clip } },
  );
}

/** `entry-unknown`: the memory holds no such entry. */
export function unknownEntry(id: string): StoreError {
  return new StoreError("entry-unknown", `This memory has no entry ${id}.`, { details: { entry: id } });
}

/** `task-unknown`: the memory holds no such task. */
export function unknownTask(id: string): StoreError {
  return new StoreError("task-unknown", `This memory has no task ${id}.`, { details: { task: id } });
}

/** `task-unknown`: the adapter was trained on a forgotten task, so it is not kept. */
export function forgottenTask(revision: string, task: string): StoreError {
  return new StoreError(
    "task-unknown",
    `The adapter ${revision} was trained on the task ${task}, which has been forgotten. Train again on the remaining tasks.`,
    { details: { task } },
  );
}

/** `adapter-unknown`: the memory holds no such adapter of the policy. */
export function unknownAdapter(policy: string, id: string): StoreError {
  return new StoreError("adapter-unknown", `This memory has no adapter ${id} of the ${policy} policy.`, {
    details: { adapter: id, policy },
  });
}

/** `stream-busy`: a live process writes the stream. */
export function busyStream(stream: string, { pid, host }: Pick<LeaseHolder, "pid" | "host">): StoreError {
  return new StoreError(
    "stream-busy",
    `${stream} is already being watched by process ${pid} on ${host}. Stop it, or wait for it to finish. If it no longer runs, take the stream over (--take-over, \`takeOver\`).`,
    { details: { stream, pid, host } },
  );
}
