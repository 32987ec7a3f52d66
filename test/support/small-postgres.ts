/** A Postgres of a test's own, made of Debian's server, which can be killed and started again. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A server that runs. */
export interface SmallPostgres {
  readonly url: string;
  /** Kills the server and everything it started. */
  kill(): void;
  /** Starts it again after a kill. */
  restart(): Promise<void>;
  stop(): void;
}

/** Starts a server with an empty database; `null` where Postgres is not installed. */
export async function startPostgres(): Promise<SmallPostgres | null> {
  const bin = binaries();
  if (bin === null) return null;
  const folder = mkdtempSync(join(tmpdir(), "taskmem-postgres-"));
  const owner = ownerOf(folder);
  const data = join(folder, "data");
  const made = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"],
    {
      ...owner,
      cwd: folder,
      encoding: "utf8",
    },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  const port = await freePort();
  const begin = async () => {
    const options = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder];
    for (let tries = 0; ; tries++) {
      const child = spawn(join(bin, "postgres"), options, { ...owner, cwd: folder, stdio: "ignore" });
      const isReady = await ready(bin, port, child);
      if (isReady) return child;
      // After a kill the orphans of the server hold its memory for a moment.
      if (tries === 60) throw new Error("Postgres did not start");
      await sleep(250);
    }
  };
  let server = await begin();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    kill: () => void server.kill("SIGKILL"),
    restart: async () => {
      server = await begin();
    },
    stop: () => {
      server.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(bin: string, port: number, child: ReturnType<typeof spawn>): Promise<boolean> {
  for (let tries = 0; tries < 400 && child.exitCode === null; tries++) {
    const { status } = spawnSync(join(bin, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]);
    if (status === 0) return true;
    await sleep(50);
  }
  return false;
}

function binaries(): string | null {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return null;
  const found = readdirSync(versions).map((version) => join(versions, version, "bin"));
  return found.find((bin) => existsSync(join(bin, "initdb"))) ?? null;
}

/** Postgres refuses root: its own user runs it then. */
function ownerOf(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  const owner = { uid: id("-u"), gid: id("-g") };
  chownSync(folder, owner.uid, owner.gid);
  chmodSync(folder, 0o700);
  return owner;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
