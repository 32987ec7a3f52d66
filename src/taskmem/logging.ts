/**
 * Log of what models are asked and policies decide, to find out why something was remembered.
 *
 * Pictures are logged by number and moment, never by bytes. API keys and headers do not reach this file.
 */
import type { Completion, GenerateRequest, Model } from "../engine.ts";
import type { Context, Policy } from "../policy/policy.ts";

/** One thing that happened inside. */
export type LogEvent =
  | {
      readonly log: "prompt";
      readonly model: string;
      readonly system: string | null;
      /** The prompt in reading order, with one line for all pictures in a row. */
      readonly text: string;
      readonly samples: number;
    }
  | {
      readonly log: "completion";
      readonly model: string;
      readonly text: string;
      readonly thinking: string | null;
      readonly finish: Completion["finish"];
      readonly ms: number;
    }
  | {
      readonly log: "left-out";
      readonly model: string;
      /** What a model was not shown, and why. */
      readonly text: string;
    }
  | {
      readonly log: "decision";
      readonly stream: string;
      readonly clips: readonly number[];
      readonly policy: string;
      readonly revision: string;
      /** Earlier clips and entries the policy was shown. */
      readonly shownClips: readonly number[];
      readonly shownEntries: number;
      /** What it wrote, action by action, with the issues of each and what its author was not shown. */
      readonly actions: readonly {
        readonly text: string;
        readonly issues: readonly string[];
        readonly leftOut: string | null;
      }[];
      readonly ms: number;
    };

/** Receives log events; must not throw. */
export type Log = (event: LogEvent) => void;

/** The model, with each request and answer logged. */
export function loggedModel(model: Model, log: Log): Model {
  return {
    id: model.id,
    capabilities: (signal) => model.capabilities(signal),
    cost: () => model.cost(),
    ...(model.speed && { speed: () => model.speed!() }),
    async generate(request) {
      const { system = null, n = 1 } = request;
      log({ log: "prompt", model: model.id, system, text: promptText(request), samples: n });
      const began = performance.now();
      const generation = await model.generate(request);
      const ms = Math.round(performance.now() - began);
      for (const { text, thinking, finish } of generation.completions)
        log({ log: "completion", model: model.id, text, thinking, finish, ms });
      if (generation.leftOut !== undefined)
        log({ log: "left-out", model: model.id, text: generation.leftOut });
      return generation;
    },
  };
}

/** The policy, with each context and decision logged. */
export function loggedPolicy(policy: Policy, log: Log): Policy {
  return {
    ...policy,
    async decide(context, options) {
      const began = performance.now();
      const result = await policy.decide(context, options);
      const actions = result.actions.map(({ text, issues, leftOut = null }) => ({
        text,
        issues: issues.map(({ message }) => message),
        leftOut,
      }));
      const ms = Math.round(performance.now() - began);
      const { id, revision } = policy;
      log({ log: "decision", ...shownIn(context), policy: id, revision, actions, ms });
      return result;
    },
  };
}

function shownIn({ observations, recent }: Context) {
  return {
    stream: observations[0]!.stream,
    clips: observations.map(({ clip }) => clip),
    shownClips: recent.observations.map(({ clip }) => clip),
    shownEntries: recent.entries.length,
  };
}

function promptText({ parts }: GenerateRequest): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      if (part.type === "image") return "[one picture]";
      return `[${part.frames.length} pictures: ${part.frames.map(({ atSeconds }) => `${atSeconds} s`).join(", ")}]`;
    })
    .join("\n");
}
