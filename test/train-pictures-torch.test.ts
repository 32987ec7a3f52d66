/**
 * Both phases over a film in real torch, on a tiny model that sees: pictures reach the model in training, all weights are
 * trained, and an endpoint's text embeddings compare memories.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { localEmbedder } from "../src/engines/local/index.ts";
import { rowsOf } from "../src/training/run-directory.ts";
import { sha256 } from "../src/util/hash.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { observedPython } from "./support/observed-python.ts";
import { talk } from "./support/stub-model.ts";
import { torchPython } from "./support/torch-python.ts";

const found = await torchPython();
const python = "python" in found ? found.python : "";
const skip = "skip" in found ? found.skip : false;
const clips = 6;
const soup = ["Which soup was it?", "Who talks about soup?", "Is soup hot?", "When was soup?", "Why soup?"];

describe("a film", { skip }, () => {
  const folder = temporaryFolder();
  const operations = join(folder, "operations");
  /** Vectors of the spelling of a text, behind the protocol of an endpoint. */
  const embeddings = createServer(async (request, response) => {
    const { input } = (await json(request)) as { input: string[] };
    const vectors = await localEmbedder.embed(input);
    asked.push(...input);
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ data: vectors.map((vector, index) => ({ index, embedding: [...vector] })) }),
    );
  });
  const asked: string[] = [];

  before(async () => {
    const make = join(import.meta.dirname, "support/torch/tiny_models.py");
    await promisify(execFile)(python, [make, folder, "talker"]);
    inventedVideo(folder, 10 * clips, { name: "film", size: "64x64", subtitles: false });
    writeFileSync(join(folder, "film.srt"), talk(clips));
    writeFileSync(join(folder, "questions.jsonl"), soup.map((text) => `${JSON.stringify(text)}\n`).join(""));
    await once(embeddings.listen(0, "127.0.0.1"), "listening");
    const { port } = embeddings.address() as AddressInfo;
    const config = {
      ...{ screenText: false, stream: { windowClips: 1, fps: 0.2, width: 64, height: 64 } },
      model: { model: "tiny-talker", framesPerClip: 2 },
      ...{ policy: "model", torch: { threads: 1 } },
      embedder: { baseUrl: `http://127.0.0.1:${port}/v1`, model: "spelling" },
      adapt: {
        recipe: { name: "own-rollouts", contexts: 3, samples: 8, heldOut: 2, strengths: [], tried: 0 },
      },
    };
    writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify(config));
  });
  after(() => {
    embeddings.close();
    rmSync(folder, { recursive: true });
  });

  async function run(command: string) {
    rmSync(operations, { force: true });
    const env = { TASKMEM_PYTHON: observedPython(folder, python), OPERATIONS: operations };
    const { code, rows, stdout, stderr } = await taskmem([...command.split(" "), "--json"], {
      cwd: folder,
      env,
    });
    assert.equal(code, 0, stdout + stderr);
    const contexts = readFileSync(operations, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("context "));
    return { end: rows.at(-1)!, pictures: contexts.map((line) => Number(line.split(" ")[1])) };
  }

  test("trains all weights in Phase One, with its pictures", async () => {
    const { end, pictures } = await run(
      "train phase-one film.mp4 --policy model --model tiny-talker --kind all --steps 2 --off-policy-steps 1 --batch 2 --group 3 --learning-rate 0.001 --run fidelity",
    );
    assert.deepEqual([end.event, end.path], ["train-end", join("fidelity", "model")]);
    assert.ok(Number(end.movedSteps) > 0, JSON.stringify(end));
    // Two of each clip of the window.
    assert.ok(pictures.length > 0 && pictures.every((count) => count >= 2), `pictures: ${pictures}`);
    const weights = (model: string) => sha256(readFileSync(join(folder, model, "model.safetensors")));
    assert.notEqual(weights("fidelity/model"), weights("tiny-talker"));
    assert.ok(existsSync(join(folder, "fidelity", "model", "preprocessor_config.json")), "it still sees");
  });

  test("becomes pairs of Phase Two by an endpoint's embeddings, with its pictures", async () => {
    const { end, pictures } = await run(
      "train phase-two film.mp4 --questions questions.jsonl --policy model --model tiny-talker --judge encoder --steps 2 --run lesson",
    );
    assert.ok(Number(end.pairs) > 0 && end.steps === 2 && end.adapter, JSON.stringify(end));
    assert.ok(pictures.length > 0 && pictures.every((count) => count >= 2), `pictures: ${pictures}`);
    assert.ok(soup.every((question) => asked.includes(question)));
    const pairs = rowsOf<{ chosen: { text: string }; rejected: { text: string } }>(
      join(folder, "lesson", "pairs.jsonl"),
    );
    // The memories that are spelled more like the questions.
    assert.ok(pairs.every(({ chosen }) => chosen.text.includes("soup")));
    assert.ok(pairs.some(({ rejected }) => rejected.text.includes("lamp")));
  });
});
