/**
 * An S3 server of a test's own: moto's, which checks signatures as the real one does and keeps objects in working memory; or
 * why there is none. The environment gets its key, as `AWS_…`.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { pythonWith } from "./python.ts";

/** A server with one bucket. */
export interface TestBucket {
  readonly endpoint: string;
  /** Keys of all objects. */
  keys(): Promise<string[]>;
  /** Deletes an object behind the memory's back. */
  remove(key: string): Promise<void>;
  stop(): Promise<void>;
}

export const bucketName = "pictures";
/** What moto needs to serve S3, and no more of it. */
const packages = [
  "moto==5.2.5",
  "flask==3.1.3",
  "flask-cors==6.0.5",
  "py-partiql-parser==0.6.3",
  "PyYAML==6.0.4",
];
/** Calls before moto asks for signatures: those that make its user and key. */
const setUpCalls = 3;

/** A server for this test file, which stops when its tests end; or why there is none. */
export async function testBucket(): Promise<TestBucket | { readonly skip: string }> {
  const made = await pythonWith(packages);
  if ("skip" in made) return made;
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(made.python, ["-m", "moto.server", "-p", String(port)], {
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: String(setUpCalls) },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const stop = async () => {
    server.kill("SIGKILL");
    await ended;
  };
  after(stop);
  for (let tries = 0; !(await answers(`${endpoint}/moto-api/`)); tries++) {
    if (server.exitCode !== null || tries === 600) throw new Error("Expected moto to start, got nothing");
    await sleep(100);
  }
  Object.assign(process.env, await newKey(endpoint));
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  const client = new AwsClient({
    accessKeyId: accessKeyId!,
    secretAccessKey: secretAccessKey!,
    service: "s3",
  });
  const ask = async (path: string, method = "GET") => {
    const response = await client.fetch(`${endpoint}/${bucketName}${path}`, { method });
    const body = await response.text();
    if (!response.ok)
      throw new Error(`Expected ${method} ${path} to succeed, got ${response.status} ${body}`);
    return body;
  };
  await ask("", "PUT");
  return {
    endpoint,
    keys: async () =>
      [...(await ask("?list-type=2")).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!),
    remove: async (key) => void (await ask(`/${key}`, "DELETE")),
    stop,
  };
}

/** A user who may do everything, and a key of theirs. */
async function newKey(endpoint: string): Promise<Record<string, string>> {
  const client = new AwsClient({
    accessKeyId: "none",
    secretAccessKey: "none",
    service: "iam",
    region: "us-east-1",
  });
  const iam = async (parameters: Record<string, string>) => {
    const body = new URLSearchParams({ Version: "2010-05-08", ...parameters }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return (await client.fetch(endpoint, { method: "POST", body, headers })).text();
  };
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const user = { UserName: "tester" };
  await iam({ Action: "CreateUser", ...user });
  await iam({
    ...{ Action: "PutUserPolicy", ...user, PolicyName: "all" },
    PolicyDocument: JSON.stringify(policy),
  });
  const key = await iam({ Action: "CreateAccessKey", ...user });
  const value = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(key)![1]!;
  return { AWS_ACCESS_KEY_ID: value("AccessKeyId"), AWS_SECRET_ACCESS_KEY: value("SecretAccessKey") };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
