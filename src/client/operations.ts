/** Made by scripts/client.ts of the server's OpenAPI description: do not edit. */

/** How one request is made. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** The same key does the work once, where the server keeps it. */
  readonly idempotencyKey?: string;
}

/** What `adapter` takes. */
export type AdapterInput = {
  /** id */
  readonly adapter: string;
};
/** One thing that was learned: what `adapter` gives. */
export type AdapterOutput = {
  readonly adapter: string;
  readonly policy: string;
  readonly revision: string;
  /** how it was made: closed-form, dpo, blend or import */
  readonly method: string;
  readonly history: readonly {
    readonly state: "candidate" | "active" | "retired" | "refused";
    readonly reason: string;
    /** wall time, ISO 8601 */
    readonly at: string;
  }[];
  /** what training and validation measured, by name */
  readonly report: Readonly<Record<string, number>>;
  /** the heaviest first; none where it has no words */
  readonly words: readonly {
    readonly word: string;
    readonly weight: number;
    /** its weight in `before` */
    readonly before?: number | undefined;
  }[];
  /** id of the adapter that was active before it was made */
  readonly before?: string | undefined;
  /** of those it was trained on, the latest */
  readonly questions: readonly string[];
};
/** What `adapters` takes. */
export type AdaptersInput = {
  readonly state?: "candidate" | "active" | "retired" | "refused" | undefined;
  /** `next` of the page before */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
};
/** What was learned: what `adapters` gives. */
export type AdaptersOutput = {
  readonly adapters: readonly {
    /** id */
    readonly adapter: string;
    readonly policy: string;
    readonly revision: string;
    readonly state: "candidate" | "active" | "retired" | "refused";
    readonly reason: string;
    /** wall time, ISO 8601 */
    readonly since: string;
    /** questions it was trained on */
    readonly tasks: number;
    /** how it does, while it writes a share of the streams */
    readonly canary?:
      | {
          /** of the streams */
          readonly share: number;
          /** those it writes */
          readonly streams: readonly string[];
          /** wall time, ISO 8601 */
          readonly since: string;
          /** about its streams since then; bad: declined, or wrong by feedback */
          readonly own: {
            readonly asked: number;
            readonly bad: number;
          };
          /** about the others in the same time */
          readonly others: {
            readonly asked: number;
            readonly bad: number;
          };
          /** about its streams before */
          readonly before: {
            readonly asked: number;
            readonly bad: number;
          };
          /** of Fisher's exact test, one-sided, at the last look */
          readonly p?: number | undefined;
          /** whether it did worse at the last look; at two in a row it is taken back */
          readonly worse: boolean;
        }
      | undefined;
    /** how it was tried on what did not train it, in shares of the comparisons */
    readonly tried?:
      | {
          /** comparisons */
          readonly heldOut: number;
          readonly winRate: number;
          readonly lossRate: number;
          readonly accuracyBefore: number;
          readonly accuracyAfter: number;
          readonly evidenceBefore?: number | undefined;
          readonly evidenceAfter?: number | undefined;
        }
      | undefined;
  }[];
  readonly next?: string | undefined;
};
/** What `ask` takes. */
export type AskInput = {
  readonly question: string;
  /** answers to choose from */
  readonly options?: readonly string[] | undefined;
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** only what had ended by this moment of stream time */
  readonly asOfSeconds?: number | undefined;
  /** whether the memory keeps the question and learns from it */
  readonly record?: boolean | undefined;
};
/** Ask memory: what `ask` gives. */
export type AskOutput = {
  readonly answer: string;
  /** letter of the chosen option */
  readonly option?: string | undefined;
  /** whether memory does not hold the answer */
  readonly abstained: boolean;
  readonly citations: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
  }[];
  /** where it abstained: moments that came near */
  readonly closest: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
  }[];
  /** earlier statements that the cited one replaced, the latest first */
  readonly earlier: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
  }[];
  /** times it asks about that were not watched */
  readonly gaps: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** the end, as its stream's clock shows it */
    readonly until: string;
    readonly detail: string;
  }[];
  /** why the question was compared by spelling where meanings are to be compared, and what to do */
  readonly bySpelling?: string | undefined;
  /** id of the question, to give feedback on */
  readonly task?: string | undefined;
  /** why the question could not be kept */
  readonly notRecorded?: string | undefined;
};
/** What `cancel` takes. */
export type CancelInput = {
  /** id */
  readonly operation: string;
};
/** Stop an operation: what `cancel` gives. */
export type CancelOutput = {
  /** id */
  readonly operation: string;
  /** what it does: learn, diff */
  readonly kind: string;
  /** interrupted: the server ended before it did */
  readonly state: "running" | "done" | "failed" | "cancelled" | "interrupted";
  /** wall time, ISO 8601 */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  /** why it failed */
  readonly problem?:
    | {
        readonly type: string;
        readonly title: string;
        readonly status: number;
        readonly code: string;
        readonly detail: string;
      }
    | undefined;
  /** what the work returned, as long as it may be told */
  readonly result?: unknown | undefined;
};
/** What `close` takes. */
export type CloseInput = {
  /** id */
  readonly entry: string;
  readonly reason: string;
  /** id of the memory that holds in its place */
  readonly supersededBy?: string | undefined;
};
/** Close a memory: what `close` gives. */
export type CloseOutput = {
  readonly entry: string;
  /** wall time since when, ISO 8601 */
  readonly at: string;
  readonly reason: string;
  readonly supersededBy?: string | undefined;
};
/** What `costs` takes. */
export type CostsInput = {
  /** how many days back, today included */
  readonly days?: number | undefined;
};
/** Costs: what `costs` gives. */
export type CostsOutput = {
  /** days with any, the earliest first */
  readonly days: readonly {
    /** day of UTC, such as 2026-11-29 */
    readonly day: string;
    /** left out for what is of no certain stream */
    readonly stream?: string | undefined;
    readonly purpose: "write" | "answer" | "learn";
    readonly calls: number;
    readonly promptTokens: number;
    readonly completionTokens: number;
    /** US dollars of the calls that have a price */
    readonly usd: number;
    /** calls of which no price is known, which count 0 US dollars */
    readonly unpriced: number;
  }[];
  /** the same by stream, the dearest first; `perDay` at the rate of the last week */
  readonly streams: readonly {
    readonly stream?: string | undefined;
    readonly calls: number;
    readonly promptTokens: number;
    readonly completionTokens: number;
    /** US dollars of the calls that have a price */
    readonly usd: number;
    /** calls of which no price is known, which count 0 US dollars */
    readonly unpriced: number;
    readonly perDay?:
      | {
          readonly tokens: number;
          readonly usd: number;
        }
      | undefined;
  }[];
  readonly total: {
    readonly calls: number;
    readonly promptTokens: number;
    readonly completionTokens: number;
    /** US dollars of the calls that have a price */
    readonly usd: number;
    /** calls of which no price is known, which count 0 US dollars */
    readonly unpriced: number;
  };
  /** at the rate of the last week; left out before the first hour */
  readonly forecast?:
    | {
        readonly tokensPerDay: number;
        readonly usdPerDay: number;
        readonly usdIn30Days: number;
      }
    | undefined;
};
/** What `diff` takes. */
export type DiffInput = {
  /** id; the active one, otherwise the one trained last, if left out */
  readonly adapter: string;
  /** id of the one it is compared with, or `none`; what the active one replaced, or for another the active one, if left out */
  readonly against?: string | undefined;
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** seconds of the stream's own time */
  readonly fromSeconds?: number | undefined;
  /** seconds of the stream's own time */
  readonly toSeconds?: number | undefined;
  /** without a span, so much of the end of each stream */
  readonly lastSeconds?: number | undefined;
};
/** What an adapter changes: what `diff` gives. */
export type DiffOutput = {
  /** id */
  readonly operation: string;
  /** what it does: learn, diff */
  readonly kind: string;
  /** interrupted: the server ended before it did */
  readonly state: "running" | "done" | "failed" | "cancelled" | "interrupted";
  /** wall time, ISO 8601 */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  /** why it failed */
  readonly problem?:
    | {
        readonly type: string;
        readonly title: string;
        readonly status: number;
        readonly code: string;
        readonly detail: string;
      }
    | undefined;
  readonly result?:
    | {
        readonly before: {
          readonly adapter?: string | undefined;
          readonly revision: string;
          readonly kept: {
            readonly memories: number;
            readonly tokens: number;
          };
        };
        readonly after: {
          readonly adapter: string;
          readonly revision: string;
          readonly kept: {
            readonly memories: number;
            readonly tokens: number;
          };
        };
        /** memories that both keep, word for word */
        readonly keptByBoth: number;
        /** all decisions about these clips */
        readonly decisions: number;
        /** decisions in which they differ */
        readonly changed: readonly {
          readonly stream: string;
          /** seconds of the stream's own time */
          readonly startSeconds: number;
          /** seconds of the stream's own time */
          readonly endSeconds: number;
          /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
          readonly at: string;
          readonly both: readonly string[];
          /** what the adapter drops */
          readonly onlyBefore: readonly string[];
          /** what it keeps instead */
          readonly onlyAfter: readonly string[];
          /** texts that perception found and neither keeps */
          readonly neither: readonly string[];
        }[];
        /** differing decisions beyond those told */
        readonly left: number;
      }
    | undefined;
};
/** What `dropped` takes. */
export type DroppedInput = {
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  readonly limit?: number | undefined;
};
/** What was not kept: what `dropped` gives. */
export type DroppedOutput = {
  readonly lines: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    readonly clip: number;
    readonly kind: "speech" | "caption" | "screen" | "sound" | "person";
    readonly text: string;
    readonly speaker?: string | undefined;
    /** of its words, what a memory of its time holds */
    readonly share: number;
    /** who decided about its clip */
    readonly policy?: string | undefined;
    /** of the policy and its adapter */
    readonly revision?: string | undefined;
  }[];
  /** lines that were looked at */
  readonly seen: number;
  /** dropped lines beyond `limit` */
  readonly left: number;
};
/** What `evidence` takes. */
export type EvidenceInput = {
  /** id of the entry */
  readonly entry: string;
  /** pictures to show with it, where the surface can */
  readonly frames?: number | undefined;
};
/** Evidence of a memory: what `evidence` gives. */
export type EvidenceOutput = {
  readonly entry: {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
    /** episodic: what happened; semantic: what is known; floor: what a cheap look tells, which no policy wrote */
    readonly kind: "episodic" | "semantic" | "floor";
    readonly speakers: readonly string[];
  };
  readonly sources: readonly {
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    readonly kind: "speech" | "caption" | "screen" | "sound" | "person";
    readonly text: string;
    readonly speaker?: string | undefined;
  }[];
  readonly frames: readonly {
    readonly hash: string;
    readonly atSeconds: number;
    readonly at: string;
  }[];
  /** hashes of the frames to show */
  readonly shown: readonly string[];
  /** left out where no policy wrote it */
  readonly policy?: string | undefined;
  /** of the policy and the adapter that wrote it */
  readonly revision?: string | undefined;
  /** wall time, ISO 8601 */
  readonly writtenAt?: string | undefined;
  /** since when and why it is no longer current */
  readonly closed?:
    | {
        readonly at: string;
        readonly reason: string;
        readonly supersededBy?: string | undefined;
      }
    | undefined;
};
/** What `explain` takes. */
export type ExplainInput = {
  /** left out where `task` names one */
  readonly question?: string | undefined;
  /** answers to choose from */
  readonly options?: readonly string[] | undefined;
  /** id of a question that was asked; its correction is the right answer */
  readonly task?: string | undefined;
  /** the right answer, in words that were used */
  readonly expected?: string | undefined;
  /** when it was said or shown, in seconds of the stream's own time */
  readonly atSeconds?: number | undefined;
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** only what had ended by this moment of stream time */
  readonly asOfSeconds?: number | undefined;
};
/** Why a question was missed: what `explain` gives. */
export type ExplainOutput = {
  /** where it was lost; `not-decided`: its clip waits or failed; `answered`: it is not lost; `unknown`: nothing that is still kept tells */
  readonly outcome:
    | "answered"
    | "never-perceived"
    | "not-decided"
    | "dropped"
    | "not-found"
    | "not-read"
    | "unknown";
  /** the same as a sentence, with the evidence */
  readonly reason: string;
  readonly question: string;
  readonly expected?: string | undefined;
  readonly atSeconds?: number | undefined;
  /** what is answered now */
  readonly answer: {
    readonly answer: string;
    readonly option?: string | undefined;
    readonly abstained: boolean;
    readonly citations: readonly {
      readonly stream: string;
      /** seconds of the stream's own time */
      readonly startSeconds: number;
      /** seconds of the stream's own time */
      readonly endSeconds: number;
      /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
      readonly at: string;
      /** id of the entry */
      readonly entry: string;
      readonly text: string;
    }[];
  };
  /** what perception found of it, where no memory holds it */
  readonly perceived?:
    | {
        readonly stream: string;
        /** seconds of the stream's own time */
        readonly startSeconds: number;
        /** seconds of the stream's own time */
        readonly endSeconds: number;
        /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
        readonly at: string;
        readonly clip: number;
        readonly kind: "speech" | "caption" | "screen" | "sound" | "person";
        readonly text: string;
        readonly speaker?: string | undefined;
      }
    | undefined;
  /** who decided about it */
  readonly decision?:
    | {
        readonly policy: string;
        /** of the policy and its adapter */
        readonly revision: string;
        /** wall time, ISO 8601 */
        readonly at: string;
      }
    | undefined;
  /** where it was dropped: what that decision kept */
  readonly keptInstead: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
  }[];
  /** the memory that holds it */
  readonly kept?:
    | {
        readonly stream: string;
        /** seconds of the stream's own time */
        readonly startSeconds: number;
        /** seconds of the stream's own time */
        readonly endSeconds: number;
        /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
        readonly at: string;
        /** id of the entry */
        readonly entry: string;
        readonly text: string;
        /** its place among what recall finds, from 1; left out beyond the first 1000 */
        readonly rank?: number | undefined;
        /** whether the reader was given it */
        readonly found: boolean;
        /** whether it fitted what the reader is shown */
        readonly shown: boolean;
        /** why it is no longer current */
        readonly closed?: string | undefined;
      }
    | undefined;
  /** times at the moment that were not watched */
  readonly gaps: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** the end, as its stream's clock shows it */
    readonly until: string;
    readonly detail: string;
  }[];
  /** clips, those whose observation is still kept, memories, and memories that the reader was given */
  readonly searched: {
    readonly clips: number;
    readonly observed: number;
    readonly entries: number;
    readonly recalled: number;
  };
};
/** What `feedback` takes. */
export type FeedbackInput = {
  /** `task` of the answer */
  readonly task: string;
  readonly verdict: "right" | "wrong";
  /** the right answer */
  readonly correction?: string | undefined;
};
/** Feedback on an answer: what `feedback` gives. */
export type FeedbackOutput = {
  readonly task: string;
  readonly verdict: "right" | "wrong";
};
/** What `forget` takes. */
export type ForgetInput = {
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** seconds of the stream's own time */
  readonly fromSeconds?: number | undefined;
  /** seconds of the stream's own time */
  readonly toSeconds?: number | undefined;
  /** what this person said and what names them */
  readonly person?: string | undefined;
  /** entries that hold all words of it */
  readonly query?: string | undefined;
  /** these entries, by id */
  readonly entries?: readonly string[] | undefined;
  /** the token of the first call */
  readonly confirm?: string | undefined;
};
/** Forget: what `forget` gives. */
export type ForgetOutput = {
  /** whether it was removed */
  readonly done: boolean;
  readonly removed: {
    readonly entries: number;
    readonly clips: number;
    readonly tasks: number;
    readonly adapters: number;
    readonly gaps: number;
    readonly streams: number;
    readonly people: number;
    readonly faces: number;
    readonly blobs: number;
  };
  /** some of the texts */
  readonly sample: readonly {
    readonly entry: string;
    readonly text: string;
  }[];
  /** what may still hold it and cannot be changed here */
  readonly outOfReach: readonly string[];
  /** token that confirms exactly this */
  readonly confirm?: string | undefined;
};
/** What `keep` takes. */
export type KeepInput = {
  /** id of the stream it was in */
  readonly stream: string;
  /** the line */
  readonly text: string;
  /** a question that it answers; the line itself if left out */
  readonly question?: string | undefined;
  readonly speaker?: string | undefined;
  /** whether the line itself becomes a memory */
  readonly remember?: boolean | undefined;
};
/** Keep this kind of thing: what `keep` gives. */
export type KeepOutput = {
  /** id of the question */
  readonly task: string;
  /** id of the memory */
  readonly entry?: string | undefined;
};
/** What `learn` takes. */
export type LearnInput = Readonly<Record<string, never>>;
/** Learn from the questions: what `learn` gives. */
export type LearnOutput = {
  /** id */
  readonly operation: string;
  /** what it does: learn, diff */
  readonly kind: string;
  /** interrupted: the server ended before it did */
  readonly state: "running" | "done" | "failed" | "cancelled" | "interrupted";
  /** wall time, ISO 8601 */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  /** why it failed */
  readonly problem?:
    | {
        readonly type: string;
        readonly title: string;
        readonly status: number;
        readonly code: string;
        readonly detail: string;
      }
    | undefined;
  readonly result?:
    | {
        readonly activated: boolean;
        readonly reason: string;
        /** id of the adapter; left out where none was trained */
        readonly adapter?: string | undefined;
        /** distinct questions it was trained on */
        readonly questions: number;
        /** words it pays more attention to, the heaviest first */
        readonly words: readonly string[];
      }
    | undefined;
};
/** What `operation` takes. */
export type OperationInput = {
  /** id */
  readonly operation: string;
};
/** An operation: what `operation` gives. */
export type OperationOutput = {
  /** id */
  readonly operation: string;
  /** what it does: learn, diff */
  readonly kind: string;
  /** interrupted: the server ended before it did */
  readonly state: "running" | "done" | "failed" | "cancelled" | "interrupted";
  /** wall time, ISO 8601 */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  /** why it failed */
  readonly problem?:
    | {
        readonly type: string;
        readonly title: string;
        readonly status: number;
        readonly code: string;
        readonly detail: string;
      }
    | undefined;
  /** what the work returned, as long as it may be told */
  readonly result?: unknown | undefined;
};
/** What `operations` takes. */
export type OperationsInput = Readonly<Record<string, never>>;
/** Operations: what `operations` gives. */
export type OperationsOutput = {
  readonly operations: readonly {
    /** id */
    readonly operation: string;
    /** what it does: learn, diff */
    readonly kind: string;
    /** interrupted: the server ended before it did */
    readonly state: "running" | "done" | "failed" | "cancelled" | "interrupted";
    /** wall time, ISO 8601 */
    readonly startedAt: string;
    readonly endedAt?: string | undefined;
    /** why it failed */
    readonly problem?:
      | {
          readonly type: string;
          readonly title: string;
          readonly status: number;
          readonly code: string;
          readonly detail: string;
        }
      | undefined;
    /** what the work returned, as long as it may be told */
    readonly result?: unknown | undefined;
  }[];
};
/** What `overview` takes. */
export type OverviewInput = {
  /** id of the stream */
  readonly stream: string;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** seconds of the stream's own time */
  readonly fromSeconds?: number | undefined;
  /** seconds of the stream's own time */
  readonly toSeconds?: number | undefined;
  /** into how many the time is divided */
  readonly stretches?: number | undefined;
  /** entries per page */
  readonly limit?: number | undefined;
};
/** Timeline from afar: what `overview` gives. */
export type OverviewOutput = {
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stretchSeconds: number;
  readonly entries: number;
  /** stretches with any */
  readonly counts: readonly {
    readonly startSeconds: number;
    readonly entries: number;
  }[];
  /** of the pages of `timeline` for this stream and these speakers, from the second page on; none for a part of the time */
  readonly cursors: readonly string[];
  readonly gaps: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** the end, as its stream's clock shows it */
    readonly until: string;
    readonly detail: string;
  }[];
};
/** What `pause` takes. */
export type PauseInput = {
  /** id of the stream */
  readonly stream: string;
  /** false lets it run again */
  readonly paused: boolean;
};
/** Pause a stream: what `pause` gives. */
export type PauseOutput = {
  readonly stream: string;
  /** wall time since when it is paused, ISO 8601; left out where it runs */
  readonly pausedAt?: string | undefined;
};
/** What `people` takes. */
export type PeopleInput = {
  readonly op?: "list" | "changes" | "name" | "merge" | "split" | "reject" | "add" | "undo" | undefined;
  /** number of the person */
  readonly person?: number | undefined;
  /** list: the faces of no one */
  readonly nobody?: boolean | undefined;
  /** name: what the person is called; without it the name goes */
  readonly name?: string | undefined;
  /** merge: who becomes part of person */
  readonly people?: readonly number[] | undefined;
  /** split, reject, add: ids of faces */
  readonly faces?: readonly string[] | undefined;
  /** undo: number of the change; without it the last made by hand */
  readonly change?: number | undefined;
  /** list: also show a picture of each person or face, of the first 8 */
  readonly pictures?: boolean | undefined;
};
/** People: what `people` gives. */
export type PeopleOutput = {
  readonly people?:
    | readonly {
        readonly person: number;
        /** person_3 */
        readonly id: string;
        readonly name?: string | undefined;
        /** whether memories speak of this person: from the fourth good face, or a name, on */
        readonly told: boolean;
        readonly faces: number;
        readonly goodFaces: number;
        /** clips in which this person's voice was heard */
        readonly voices: number;
        /** for how long in all */
        readonly voiceSeconds: number;
        /** faces that may be this person's */
        readonly unsureFaces: number;
        readonly streams: readonly {
          readonly stream: string;
          /** seconds of the stream's own time */
          readonly startSeconds: number;
          /** seconds of the stream's own time */
          readonly endSeconds: number;
          /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
          readonly at: string;
          readonly faces: number;
          readonly until: string;
        }[];
        /** hash of a picture of the face */
        readonly crop?: string | undefined;
        /** a name in print beside the face or in what is said, and the face; never taken without being asked */
        readonly suggestedName?:
          | {
              readonly name: string;
              readonly face: string;
            }
          | undefined;
        /** people who may be the same */
        readonly maybeSame: readonly string[];
      }[]
    | undefined;
  readonly faces?:
    | readonly {
        readonly stream: string;
        /** seconds of the stream's own time */
        readonly startSeconds: number;
        /** seconds of the stream's own time */
        readonly endSeconds: number;
        /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
        readonly at: string;
        /** id of the face: one person, followed through a clip; or of a voice in a clip */
        readonly face: string;
        readonly kind: "face" | "voice";
        /** person_3 */
        readonly person?: string | undefined;
        /** whom it may be, where it is not sure */
        readonly maybe?: string | undefined;
        /** pictures of it good enough to compare */
        readonly goodFaces: number;
        /** hash of its picture */
        readonly crop?: string | undefined;
        /** names in print beside it, or that it gave itself */
        readonly captions: readonly string[];
      }[]
    | undefined;
  /** the newest last */
  readonly changes?:
    | readonly {
        /** number of the change, to undo it */
        readonly change: number;
        /** wall time, ISO 8601 */
        readonly at: string;
        readonly what: string;
        /** a person that it made */
        readonly made?: string | undefined;
        readonly undone: boolean;
      }[]
    | undefined;
  /** hashes of the pictures to show, in the order of the list */
  readonly shown?: readonly string[] | undefined;
};
/** What `promote` takes. */
export type PromoteInput = {
  /** id */
  readonly adapter: string;
  /** of the streams; all if left out */
  readonly share?: number | undefined;
};
/** Write with an adapter: what `promote` gives. */
export type PromoteOutput = {
  /** id of the active adapter; left out where none is */
  readonly active?: string | undefined;
  /** id of the adapter on canary */
  readonly canary?: string | undefined;
};
/** What `push` takes. */
export type PushInput = {
  /** id */
  readonly stream: string;
  readonly items: readonly (
    | {
        readonly at?: string | undefined;
        readonly atSeconds?: number | undefined;
        readonly id?: string | undefined;
        readonly text: string;
        readonly endSeconds?: number | undefined;
        readonly speaker?: string | undefined;
        readonly kind?: "speech" | "caption" | "screen" | undefined;
      }
    | {
        readonly at?: string | undefined;
        readonly atSeconds?: number | undefined;
        readonly id?: string | undefined;
        readonly jpeg: string;
      }
    | {
        readonly at?: string | undefined;
        readonly atSeconds?: number | undefined;
        readonly id?: string | undefined;
        /** mono sound at 16 kHz, 16 bits, little-endian */
        readonly pcm16: string;
      }
  )[];
};
/** Push texts and pictures: what `push` gives. */
export type PushOutput = {
  readonly items: readonly {
    /** number of the clip it belongs to */
    readonly clip: number;
    /** whether its own time was already decided: it is then in a later clip */
    readonly late: boolean;
    /** whether an item with its id was pushed before */
    readonly duplicate: boolean;
  }[];
};
/** What `recall` takes. */
export type RecallInput = {
  readonly query: string;
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** seconds of the stream's own time */
  readonly fromSeconds?: number | undefined;
  /** seconds of the stream's own time */
  readonly toSeconds?: number | undefined;
  readonly limit?: number | undefined;
  /** most tokens of all texts together */
  readonly maxTokens?: number | undefined;
};
/** Search memory: what `recall` gives. */
export type RecallOutput = {
  readonly entries: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
    /** episodic: what happened; semantic: what is known */
    readonly kind: "episodic" | "semantic";
    readonly speakers: readonly string[];
  }[];
  /** found entries that the tokens left no room for */
  readonly left: number;
};
/** What `record` takes. */
export type RecordInput = {
  readonly question: string;
  /** answers to choose from */
  readonly options?: readonly string[] | undefined;
  /** left out where it was not answered */
  readonly answer?: string | undefined;
  /** ids of the entries it rests on */
  readonly citations?: readonly string[] | undefined;
  /** id of the stream it is about */
  readonly stream?: string | undefined;
  /** wall time, ISO 8601; now if left out */
  readonly askedAt?: string | undefined;
};
/** Record a question: what `record` gives. */
export type RecordOutput = {
  /** id of the question, to give feedback on */
  readonly task: string;
};
/** What `remember` takes. */
export type RememberInput = {
  readonly text: string;
  /** who said it */
  readonly speaker?: string | undefined;
  /** when it holds, ISO 8601; now if left out */
  readonly at?: string | undefined;
  readonly kind?: "episodic" | "semantic" | undefined;
  /** of the fact; a second call with it keeps nothing more */
  readonly id?: string | undefined;
};
/** Remember a fact: what `remember` gives. */
export type RememberOutput = {
  /** id of the entry */
  readonly entry: string;
  /** whether a fact with this id was kept before; that one is meant */
  readonly duplicate: boolean;
  readonly text: string;
};
/** What `retry` takes. */
export type RetryInput = {
  /** id of the stream */
  readonly stream: string;
};
/** Try failed clips again: what `retry` gives. */
export type RetryOutput = {
  /** clips that wait again */
  readonly waiting: number;
  /** clips of which nothing is left to try */
  readonly gone: number;
};
/** What `rollback` takes. */
export type RollbackInput = Readonly<Record<string, never>>;
/** Take an adapter back: what `rollback` gives. */
export type RollbackOutput = {
  /** id of the active adapter; left out where none is */
  readonly active?: string | undefined;
};
/** What `space` takes. */
export type SpaceInput = Readonly<Record<string, never>>;
/** A space: what `space` gives. */
export type SpaceOutput = {
  /** id */
  readonly space: string;
  readonly streams: number;
  readonly clips: number;
  readonly entries: number;
  readonly tasks: number;
  readonly gaps: number;
  /** not decided yet */
  readonly waitingClips: number;
  readonly failedClips: number;
  readonly databaseBytes: number;
  /** of pictures */
  readonly blobBytes: number;
};
/** What `storage` takes. */
export type StorageInput = Readonly<Record<string, never>>;
/** Storage: what `storage` gives. */
export type StorageOutput = {
  /** bytes */
  readonly databaseBytes: number;
  /** bytes */
  readonly pictureBytes: number;
  /** left on the disk; left out where that cannot be told */
  readonly freeBytes?: number | undefined;
  readonly streams: readonly {
    readonly stream: string;
    readonly entries: {
      readonly count: number;
      /** bytes */
      readonly bytes: number;
    };
    /** what policies are tried on; bounded */
    readonly observations: {
      /** bytes */
      readonly bytes: number;
    };
    readonly frames: {
      /** bytes */
      readonly bytes: number;
    };
    readonly watchedSeconds: number;
  }[];
  /** growth, from the memories of the last week; left out before there are any */
  readonly bytesPerDay?: number | undefined;
  /** at that growth */
  readonly fullInDays?: number | undefined;
  /** memories whose vector is not made yet */
  readonly waitingVectors: number;
};
/** What `streams` takes. */
export type StreamsInput = Readonly<Record<string, never>>;
/** Streams: what `streams` gives. */
export type StreamsOutput = {
  readonly streams: readonly {
    /** id */
    readonly stream: string;
    readonly description: string;
    /** wall time, ISO 8601 */
    readonly addedAt: string;
    /** wall time since when it is paused, ISO 8601 */
    readonly pausedAt?: string | undefined;
    /** whether it was watched to its end */
    readonly ended: boolean;
    /** what was left out of it, one sentence each */
    readonly leftOut: readonly string[];
    /** what its seconds mean: from its start, from midnight of day 1, or from `originMs` since 1970 */
    readonly clock: {
      readonly kind: "media" | "day" | "wall";
      readonly originMs?: number | undefined;
    };
    readonly clipSeconds: number;
    /** memories that are current */
    readonly entries: number;
    readonly clips: {
      readonly stored: number;
      readonly waiting: number;
      readonly failed: number;
    };
    /** start of the first clip */
    readonly startSeconds?: number | undefined;
    /** end of the last clip */
    readonly endSeconds?: number | undefined;
    readonly watchedSeconds: number;
    readonly gaps: number;
    readonly gapSeconds: number;
    /** wall time of the latest memory, ISO 8601 */
    readonly lastEntryAt?: string | undefined;
    /** wall time up to which it was watched, ISO 8601, where its clock is a date */
    readonly seenUntil?: string | undefined;
    /** how long its first undecided clip has waited, where its clock is a date */
    readonly lagSeconds?: number | undefined;
    /** clips without a memory, the latest */
    readonly failures: readonly {
      readonly clip: number;
      readonly code: string;
      readonly message: string;
      /** whether it is tried again */
      readonly retryable: boolean;
      readonly attempts: number;
    }[];
    readonly bytes: {
      readonly entries: number;
      readonly observations: number;
      readonly frames: number;
    };
  }[];
};
/** What `tasks` takes. */
export type TasksInput = {
  /** `next` of the page before */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  /** the latest `limit` alone, the last asked first */
  readonly newest?: boolean | undefined;
};
/** Questions asked: what `tasks` gives. */
export type TasksOutput = {
  readonly tasks: readonly {
    /** id of the question */
    readonly task: string;
    /** wall time, ISO 8601 */
    readonly askedAt: string;
    readonly question: string;
    readonly options: readonly string[];
    /** left out where it was not answered */
    readonly answer?: string | undefined;
    readonly option?: string | undefined;
    readonly abstained: boolean;
    /** ids of entries */
    readonly citations: readonly string[];
    readonly feedback?:
      | {
          readonly verdict: "right" | "wrong";
          readonly correction?: string | undefined;
        }
      | undefined;
  }[];
  readonly next?: string | undefined;
};
/** What `timeline` takes. */
export type TimelineInput = {
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** seconds of the stream's own time */
  readonly fromSeconds?: number | undefined;
  /** seconds of the stream's own time */
  readonly toSeconds?: number | undefined;
  /** `next` of the page before */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  /** pictures to name of each entry */
  readonly frames?: number | undefined;
};
/** Timeline: what `timeline` gives. */
export type TimelineOutput = {
  readonly entries: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
    /** episodic: what happened; semantic: what is known */
    readonly kind: "episodic" | "semantic";
    readonly speakers: readonly string[];
    /** left out unless asked for */
    readonly frames?:
      | readonly {
          readonly hash: string;
          readonly atSeconds: number;
        }[]
      | undefined;
  }[];
  /** times within this page that were not watched */
  readonly gaps: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** the end, as its stream's clock shows it */
    readonly until: string;
    readonly detail: string;
  }[];
  /** cursor of the next page; left out at the end */
  readonly next?: string | undefined;
};
/** What `trace` takes. */
export type TraceInput = {
  /** left out where `task` names one */
  readonly question?: string | undefined;
  /** id of a question that was asked */
  readonly task?: string | undefined;
  /** only these streams, by id */
  readonly streams?: readonly string[] | undefined;
  /** only what these people said or is about them */
  readonly speakers?: readonly string[] | undefined;
  /** only what had ended by this moment of stream time */
  readonly asOfSeconds?: number | undefined;
};
/** How an answer was found: what `trace` gives. */
export type TraceOutput = {
  readonly question: string;
  readonly options: readonly string[];
  readonly answer: string;
  readonly option?: string | undefined;
  readonly abstained: boolean;
  /** what the reader was given, best first */
  readonly recalled: readonly {
    readonly stream: string;
    /** seconds of the stream's own time */
    readonly startSeconds: number;
    /** seconds of the stream's own time */
    readonly endSeconds: number;
    /** the beginning as its stream's clock shows it, such as 00:01:20 or 2026-11-23 08:39:38 */
    readonly at: string;
    /** id of the entry */
    readonly entry: string;
    readonly text: string;
    /** episodic: what happened; semantic: what is known */
    readonly kind: "episodic" | "semantic";
    readonly speakers: readonly string[];
    /** the score by which it is ranked */
    readonly total: number;
    /** words that question and memory share */
    readonly words?:
      | {
          /** from 1 */
          readonly rank: number;
          readonly score: number;
        }
      | undefined;
    /** cosine of question and memory */
    readonly likeness?:
      | {
          /** from 1 */
          readonly rank: number;
          readonly score: number;
        }
      | undefined;
    /** whether the cosine is of meanings; of spellings otherwise */
    readonly byMeaning: boolean;
    /** nearness to a moment that is asked about */
    readonly time?:
      | {
          /** from 1 */
          readonly rank: number;
          readonly score: number;
        }
      | undefined;
    /** people who are asked about */
    readonly speaker?:
      | {
          /** from 1 */
          readonly rank: number;
          readonly score: number;
        }
      | undefined;
    readonly cited: boolean;
    readonly tokens: number;
  }[];
  /** of a question that was kept */
  readonly asked?:
    | {
        readonly task: string;
        /** wall time, ISO 8601 */
        readonly askedAt: string;
        /** left out where it was not answered */
        readonly answer?: string | undefined;
        readonly abstained: boolean;
        /** ids of entries */
        readonly citations: readonly string[];
        readonly reader: string;
        readonly feedback?:
          | {
              readonly verdict: "right" | "wrong";
              readonly correction?: string | undefined;
            }
          | undefined;
      }
    | undefined;
  readonly milliseconds: number;
  /** tokens that a model read to answer */
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly usd: number;
};
/** What `unwatch` takes. */
export type UnwatchInput = {
  /** id */
  readonly stream: string;
};
/** Watch a stream no more: what `unwatch` gives. */
export type UnwatchOutput = {
  readonly watches: readonly {
    /** id */
    readonly stream: string;
    /** without its password */
    readonly source: string;
    /** file: it ends by itself */
    readonly kind: "watch" | "file";
    /** waiting: for a worker */
    readonly state: "waiting" | "watching" | "paused" | "ended" | "failed";
    /** wall time, ISO 8601 */
    readonly since: string;
    /** why it failed */
    readonly problem?:
      | {
          readonly code: string;
          readonly message: string;
        }
      | undefined;
    /** who watches it */
    readonly worker?:
      | {
          readonly host: string;
          readonly pid: number;
        }
      | undefined;
    /** when its worker said last that it does, wall time, ISO 8601 */
    readonly heardAt?: string | undefined;
  }[];
};
/** What `watch` takes. */
export type WatchInput = {
  /** id */
  readonly stream: string;
  /** a URL, a device, or an absolute path as the workers see it */
  readonly source: string;
  /** whether files are looked at again and again for what was added */
  readonly follow?: boolean | undefined;
  /** subtitle file or URL to use instead of those found */
  readonly subtitles?: string | undefined;
  /** what the lines of a text source are */
  readonly textKind?: "speech" | "caption" | undefined;
};
/** Watch a stream: what `watch` gives. */
export type WatchOutput = {
  /** id */
  readonly stream: string;
  /** without its password */
  readonly source: string;
  /** file: it ends by itself */
  readonly kind: "watch" | "file";
  /** waiting: for a worker */
  readonly state: "waiting" | "watching" | "paused" | "ended" | "failed";
  /** wall time, ISO 8601 */
  readonly since: string;
  /** why it failed */
  readonly problem?:
    | {
        readonly code: string;
        readonly message: string;
      }
    | undefined;
  /** who watches it */
  readonly worker?:
    | {
        readonly host: string;
        readonly pid: number;
      }
    | undefined;
  /** when its worker said last that it does, wall time, ISO 8601 */
  readonly heardAt?: string | undefined;
};
/** What `watches` takes. */
export type WatchesInput = Readonly<Record<string, never>>;
/** Streams that workers watch: what `watches` gives. */
export type WatchesOutput = {
  readonly watches: readonly {
    /** id */
    readonly stream: string;
    /** without its password */
    readonly source: string;
    /** file: it ends by itself */
    readonly kind: "watch" | "file";
    /** waiting: for a worker */
    readonly state: "waiting" | "watching" | "paused" | "ended" | "failed";
    /** wall time, ISO 8601 */
    readonly since: string;
    /** why it failed */
    readonly problem?:
      | {
          readonly code: string;
          readonly message: string;
        }
      | undefined;
    /** who watches it */
    readonly worker?:
      | {
          readonly host: string;
          readonly pid: number;
        }
      | undefined;
    /** when its worker said last that it does, wall time, ISO 8601 */
    readonly heardAt?: string | undefined;
  }[];
};

/** What a space does. */
export interface Operations {
  /** Tells of an adapter which words it weighs, beside the one that was active before it, what it was trained on, how it was tried, and every state it was in. Scope: read. */
  adapter(input: AdapterInput, options?: RequestOptions): Promise<AdapterOutput>;
  /** Lists what was learned: each adapter with its state and the reason for it, page by page. Scope: read. */
  adapters(input?: AdaptersInput, options?: RequestOptions): Promise<AdaptersOutput>;
  /** Answers a question from memory alone and cites the moments it rests on. Where memory does not hold the answer it says so and shows the closest moments. The memory learns from what it is asked what to write down. Scope: ask. */
  ask(input: AskInput, options?: RequestOptions): Promise<AskOutput>;
  /** Stops work; what has ended stays as it is. Scope: learn. */
  cancel(input: CancelInput, options?: RequestOptions): Promise<CancelOutput>;
  /** Says that a memory no longer holds, and why: it is kept as it was, and no longer recalled as current. One that was closed before stays as it is. Scope: write. */
  close(input: CloseInput, options?: RequestOptions): Promise<CloseOutput>;
  /** Tells what models were asked and what it cost, by day, stream and purpose, and what thirty days cost at the rate of the last week. Scope: read. */
  costs(input?: CostsInput, options?: RequestOptions): Promise<CostsOutput>;
  /** Shows what was watched last to the policy once more, with an adapter and with another, and tells what each keeps and drops, side by side. Nothing is written. A policy that asks a model asks it about each clip twice. Scope: learn. */
  diff(input: DiffInput, options?: RequestOptions): Promise<DiffOutput>;
  /** Lists what was said and shown lately and is in no memory, the latest first, as far as the observations are still held: the last 360 clips of a stream. `keep` says of a line that such things are to be kept. Scope: read. */
  dropped(input?: DroppedInput, options?: RequestOptions): Promise<DroppedOutput>;
  /** Shows what a memory rests on: the words it was made of, the frames that show it, and who wrote it. Scope: read. */
  evidence(input: EvidenceInput, options?: RequestOptions): Promise<EvidenceOutput>;
  /** Says which stage lost the answer to a question that was declined or answered wrongly: perception never found it, the policy dropped it, recall did not find it, or the reader did not read it. Say what the right answer is, or when it was said or shown. The question is asked again and not kept. Scope: read. */
  explain(input?: ExplainInput, options?: RequestOptions): Promise<ExplainOutput>;
  /** Says whether an answer was right, and what would have been. The memory takes it into account when it learns. Scope: write. */
  feedback(input: FeedbackInput, options?: RequestOptions): Promise<FeedbackOutput>;
  /** Removes memories and everything derived from them for good. A first call removes nothing and says what would go, with a token; the same call with the token as `confirm` does it. Show the person what would go before confirming. Scope: forget. */
  forget(input?: ForgetInput, options?: RequestOptions): Promise<ForgetOutput>;
  /** Says of a line that was not kept that such things are to be kept: it becomes a question whose right answer is the line, which the policy learns from, and, if wanted, a memory itself. Scope: write. */
  keep(input: KeepInput, options?: RequestOptions): Promise<KeepOutput>;
  /** Trains an adapter from the questions asked so far, tries it on others, and makes it active if it does better. Happens by itself after every few new questions. Scope: learn. */
  learn(input?: LearnInput, options?: RequestOptions): Promise<LearnOutput>;
  /** Shows work that takes longer than a request. Scope: read. */
  operation(input: OperationInput, options?: RequestOptions): Promise<OperationOutput>;
  /** Lists work that takes longer than a request, the newest first. Scope: read. */
  operations(input?: OperationsInput, options?: RequestOptions): Promise<OperationsOutput>;
  /** Tells how many memories begin in each stretch of a stream, which times were not watched, and the cursor of every page of its timeline. Scope: read. */
  overview(input: OverviewInput, options?: RequestOptions): Promise<OverviewOutput>;
  /** Pauses a stream, or lets it run again. While it is paused, who watches it leaves out what comes and keeps a gap instead, a recording waits, and what is pushed is refused. Scope: write. */
  pause(input: PauseInput, options?: RequestOptions): Promise<PauseOutput>;
  /** Lists the people whom memory knows by their faces and voices (op list), the faces of one (list with person) or of no one (list with nobody), or the changes made (changes). Or changes them: name, merge (people into person), split and reject (faces of person), add (faces of no one to person), undo. Every change can be undone, and reaches what was written before. Never name anybody by guess. Scope: people. */
  people(input?: PeopleInput, options?: RequestOptions): Promise<PeopleOutput>;
  /** Makes a kept adapter active: what is watched from now on is written with it. With a share it goes on canary: it writes so large a share of the streams, and is taken back by itself when answers about them get worse. Scope: learn. */
  promote(input: PromoteInput, options?: RequestOptions): Promise<PromoteOutput>;
  /** Keeps items of a stream; they are answerable within two seconds. Scope: write. */
  push(input: PushInput, options?: RequestOptions): Promise<PushOutput>;
  /** Finds the memories that fit a text, best first, without answering anything. Scope: read. */
  recall(input: RecallInput, options?: RequestOptions): Promise<RecallOutput>;
  /** Keeps a question that was asked and answered elsewhere, so that the memory learns from it as from its own what to write down. Scope: write. */
  record(input: RecordInput, options?: RequestOptions): Promise<RecordOutput>;
  /** Keeps a fact as it is, whatever the memory would choose by itself. The same id is kept once. Scope: write. */
  remember(input: RememberInput, options?: RequestOptions): Promise<RememberOutput>;
  /** Makes the clips of a stream that failed for good wait for another try, which the next watch makes, as far as their observation is kept. Scope: write. */
  retry(input: RetryInput, options?: RequestOptions): Promise<RetryOutput>;
  /** Takes the adapter on canary off it; where none is, makes the adapter that was active before the present one active again, or none. Scope: learn. */
  rollback(input?: RollbackInput, options?: RequestOptions): Promise<RollbackOutput>;
  /** What a space holds, in numbers. Scope: read. */
  space(input?: SpaceInput, options?: RequestOptions): Promise<SpaceOutput>;
  /** Tells what the memory takes on the disk, by stream and kind, how fast it grows, and when the disk would be full. Scope: read. */
  storage(input?: StorageInput, options?: RequestOptions): Promise<StorageOutput>;
  /** Lists what was watched: each stream, how far it is, what failed, whether it has ended, and what was left out of it. Scope: read. */
  streams(input?: StreamsInput, options?: RequestOptions): Promise<StreamsOutput>;
  /** Lists the questions that were asked, with their answers and feedback: what the memory learns from. Scope: read. */
  tasks(input?: TasksInput, options?: RequestOptions): Promise<TasksOutput>;
  /** Lists what is remembered in time order, page by page, with the times that were not watched. Scope: read. */
  timeline(input?: TimelineInput, options?: RequestOptions): Promise<TimelineOutput>;
  /** Asks a question once more without keeping it, and tells what recall found, by which channel and at which rank, and which of it the answer cites. Of a question that was kept it also tells what was answered then. Scope: ask. */
  trace(input?: TraceInput, options?: RequestOptions): Promise<TraceOutput>;
  /** Takes a stream from the workers; its memory stays. Scope: admin. */
  unwatch(input: UnwatchInput, options?: RequestOptions): Promise<UnwatchOutput>;
  /** Has a stream watched by some worker from now on. Scope: admin. */
  watch(input: WatchInput, options?: RequestOptions): Promise<WatchOutput>;
  /** Lists the streams that workers watch, and how each stands. Scope: read. */
  watches(input?: WatchesInput, options?: RequestOptions): Promise<WatchesOutput>;
}

/** Method and path of each operation, below the space. */
export const routes = {
  adapter: ["get", "/adapters/{adapter}"],
  adapters: ["get", "/adapters"],
  ask: ["post", "/ask"],
  cancel: ["post", "/operations/{operation}/cancel"],
  close: ["patch", "/entries/{entry}"],
  costs: ["get", "/costs"],
  diff: ["post", "/adapters/{adapter}/diff"],
  dropped: ["get", "/dropped"],
  evidence: ["get", "/entries/{entry}"],
  explain: ["post", "/explain"],
  feedback: ["put", "/tasks/{task}/feedback"],
  forget: ["post", "/forget"],
  keep: ["post", "/dropped/keep"],
  learn: ["post", "/learn"],
  operation: ["get", "/operations/{operation}"],
  operations: ["get", "/operations"],
  overview: ["get", "/streams/{stream}/overview"],
  pause: ["put", "/streams/{stream}/pause"],
  people: ["post", "/people"],
  promote: ["post", "/adapters/{adapter}/promote"],
  push: ["post", "/streams/{stream}/items"],
  recall: ["post", "/recall"],
  record: ["post", "/tasks"],
  remember: ["post", "/entries"],
  retry: ["post", "/streams/{stream}/retry"],
  rollback: ["post", "/adapters/rollback"],
  space: ["get", ""],
  storage: ["get", "/storage"],
  streams: ["get", "/streams"],
  tasks: ["get", "/tasks"],
  timeline: ["get", "/entries"],
  trace: ["post", "/trace"],
  unwatch: ["post", "/streams/{stream}/unwatch"],
  watch: ["put", "/streams/{stream}/watch"],
  watches: ["get", "/watches"],
} as const satisfies Record<keyof Operations, readonly [string, string]>;
