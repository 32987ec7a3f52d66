/** Errors that every store throws alike. */
import { StoreError } from "../errors.ts";

/** `stream-unknown`: a stream is written to, or resumed, that was never added. */
export function unknownStream(id: string): StoreError {
  return new StoreError("stream-unknown", `This memory has no stream ${id}. Add it with addStream first.`, {
    details: { stream: id },
  });
}

/** `stream-changed`: the id belongs to a stream of another content or clip length. */
export function changedStream(id: string, what: string): StoreError {
  return new StoreError(
    "stream-changed",
    `The stream ${id} has another ${what} than when it was first watched. Give it another name with --stream, or forget the old one.`,
    { details: { stream: id } },
  );
}

/** `clip-unknown`: a clip is decided about that was never perceived, or was forgotten. */
export function unknownClip(stream: string, clip: number): StoreError {
  return new StoreError(
    "clip-unknown",
    `Clip ${clip} of ${stream} was never perceived, or was forgotten. Journal it with addObservation first.`,
    { details: { stream, clip } },
  );
}

/** `clip-decided`: a clip is perceived again after it was stored, or failed for good. */
export function decidedClip(stream: string, clip: number): StoreError {
  return new StoreError(
    "clip-decided",
    `Clip ${clip} of ${stream} is decided already: what it shows was stored, or failed for good. Put what is new into a later clip.`,
    { details: { stream, clip } },
  );
}

/** `entry-unknown` */
export function unknownEntry(id: string): StoreError {
  return new StoreError("entry-unknown", `This memory has no entry ${id}.`, { details: { entry: id } });
}

/** `task-unknown` */
export function unknownTask(id: string): StoreError {
  return new StoreError("task-unknown", `This memory has no task ${id}.`, { details: { task: id } });
}

/** `task-unknown`: what a forgotten task taught must not come back. */
export function forgottenTask(revision: string, task: string): StoreError {
  return new StoreError(
    "task-unknown",
    `The adapter ${revision} was trained on the task ${task}, which was forgotten meanwhile. Train again on those that are left.`,
    { details: { task } },
  );
}

/** `adapter-unknown` */
export function unknownAdapter(policy: string, id: string): StoreError {
  return new StoreError("adapter-unknown", `This memory has no adapter ${id} of the ${policy} policy.`, {
    details: { adapter: id, policy },
  });
}
