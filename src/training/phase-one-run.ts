/**
 * The directory of a Phase One run (`run-directory.ts`).
 *
 *     metrics.jsonl    one line per step
 *     rollouts.jsonl   one line per sampled memory: its text, reward and advantage, and the judge's reason
 *
 * A resumed run removes the lines after its checkpoint and repeats those steps.
 */
import type { Instance, PhaseOneRun, PhaseOneState, RecordedRollout, RecordedStep } from "./phase-one.ts";
import { openRunDirectory } from "./run-directory.ts";

interface SavedState extends Omit<PhaseOneState, "instances"> {
  readonly instances: readonly SavedInstance[];
}

/** An instance as JSON: the word counts become a list. */
type SavedInstance = Omit<Instance, "state"> & {
  readonly state: Omit<Instance["state"], "words"> & {
    readonly words: readonly (readonly [string, number])[];
  };
};

/**
 * Opens or makes a run's directory.
 * @param config plain data: everything the run's numbers depend on
 * @throws ConfigError `run-differs` when the directory holds a run of another configuration
 */
export function openPhaseOneRun(directory: string, config: object): PhaseOneRun {
  const run = openRunDirectory(directory, config);
  const takeBackAfter = (last: number) => {
    for (const name of ["metrics.jsonl", "rollouts.jsonl"])
      run.replace(
        name,
        run.rows<{ readonly step: number }>(name).filter(({ step }) => step <= last),
      );
  };
  return {
    directory,
    async resume(trainer) {
      const saved = await run.resume<SavedState>(trainer);
      takeBackAfter(saved?.step ?? 0);
      if (saved === null) return { step: 0, videos: 0, instances: [] };
      const instances = saved.instances.map((instance) => ({
        ...instance,
        state: { ...instance.state, words: new Map(instance.state.words) },
      }));
      return { ...saved, instances };
    },
    async record(metrics, ms, rollouts) {
      const { step } = metrics;
      await run.append(
        "rollouts.jsonl",
        rollouts.map((rollout): RecordedRollout => ({ step, ...rollout })),
      );
      await run.append("metrics.jsonl", [{ ...metrics, ms: Math.round(ms) }]);
    },
    metrics: () => run.rows<RecordedStep>("metrics.jsonl"),
    async checkpoint(trainer, state) {
      const instances = state.instances.map(
        (instance): SavedInstance => ({
          ...instance,
          state: { ...instance.state, words: [...instance.state.words] },
        }),
      );
      const saved: SavedState = { ...state, instances };
      await run.checkpoint(trainer, saved);
      run.drawCurves("Phase One");
    },
  };
}
