/** A worker that watches simulated cameras, as a process to be killed: its options are its argument, its events its output. */
import { Worker, type WorkerOptions } from "../../src/workers/index.ts";
import { openCamera } from "./camera.ts";

const options = JSON.parse(process.argv[2]!) as WorkerOptions;
const worker = await Worker.start({
  ...options,
  openSource: async ({ source }) => openCamera(source),
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
process.stdout.write(`${JSON.stringify({ event: "worker-start" })}\n`);
process.once(
  "SIGTERM",
  () => void worker.drain().then(() => process.stdout.write('{"event":"worker-end"}\n')),
);
// Frozen from outside it could hold the lock of a directory's memory, which no other process can take from it.
process.on("SIGUSR2", () => process.kill(process.pid, "SIGSTOP"));
