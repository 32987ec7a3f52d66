/** What the page cannot say: fields and operations that the server's description does not have are type errors. */
import type { SpaceApi } from "./api.ts";

declare const api: SpaceApi;

void api.memory.ask({ question: "Where are the keys?", streams: ["kitchen"], record: false });
// @ts-expect-error a field that the contract does not take
void api.memory.ask({ question: "Where are the keys?", user: "ann" });
// @ts-expect-error a field that must be there
void api.memory.feedback({ verdict: "right" });
// @ts-expect-error an operation that the server does not have
void api.memory.rewrite({});
void api.memory.timeline({ limit: 1 }).then(({ entries, next }) => [entries[0]?.text, next]);
// @ts-expect-error a field that the contract does not give
void api.memory.timeline({ limit: 1 }).then(({ total }) => total);
