/**
 * llama.cpp as a module of Node, one file for each kind of machine: the release that runs here, pinned by hash.
 *
 * Only that file is kept: the package around it would bring builds for GPUs of 250 MB. A machine with one takes
 * llama-server, vLLM or another server.
 */
import type { NamedModel } from "./named-model.ts";

/** The name that it is pulled by. */
export const llamaName = "llama.cpp";
/** The file that Node loads. */
export const llamaFile = "index.node";

const version = "1.7.15";

/** By `process.platform` and `process.arch`: SHA-512 of the package, then bytes and SHA-256 of the file. */
const builds: Readonly<Record<string, readonly [archive: string, bytes: number, file: string]>> = {
  "linux-x64": [
    "52859f43f20b087020f915e7112076c2b99ffd8fa05db76c221edeab8a8845323dd4541f52faf1403dde066209db616fbfae8ad32a0d723df7e998c51574eb09",
    10_412_544,
    "b7f7f6382f5e6c2ada181e14a3359b069658f3e5e640b52c68c0c13047b5259b",
  ],
  "linux-arm64": [
    "2584d5360ffd9f456a207cbf93bf4e3085b3b5e8461105afdd92ae5bc4a28157e7b0418f4bd040673fb97ee75a867d6fb28299ed28a0510471763595ed8c1fa7",
    9_114_160,
    "be9ee1f5bde005a801b550d80fb79a8049157ff460ad46aacdaa726053430352",
  ],
  "darwin-arm64": [
    "e30929133f6d616a35c4f9bfb3cd0bd4ff7092a8aea75274eb319e40bcb8134d816d02bc7e5dc3ab0415388194583dc4d907c3259f0c99a152aea2bb78e4e261",
    9_040_952,
    "7978241d55bb9fc2311d0ed9d03c15d24578fa11d5682791009011d243ab6d8a",
  ],
  "darwin-x64": [
    "025ac1f15b196236b55c7d6863951d0ab113e8f6126fa78d43ac10acbae46a36f438f1cd62762595cb933f4fd95c350f03d5ce6d5da87e99bd8ab1f830cd92ce",
    10_375_488,
    "5a0500836fa63800e21f7b9b5fc7b43f54466353df6678fa0a3be20094f81b43",
  ],
  "win32-x64": [
    "6cb839cad99e2651edc99ab6c129faaecd31418c1e8108250d5409c3945dbbbc9fb3092ae9d3797ba4a38213bbf70c75da168718e65fa4a36ccf31325ccf4733",
    10_224_640,
    "cb9e9963f9e2295d5d2c6c7a3f0cf8e366ffe96b71c4bb0e15878487d219008e",
  ],
  "win32-arm64": [
    "d8d31950f4fd07adba4fe8f930c56bd612495d5a0cef572b1c1f7667415ce8b557e8e0df15d0fc31c4c912de66156ddb025df8695896cbd90267a37bf67e4d15",
    10_403_840,
    "18c300ee66a03b9d4bf67fc37680fed4ae6ec071c1a96d1c2aa816fdbaf96ece",
  ],
};

/** What is pulled for a machine; `null` where there is no build for it. @param machine `linux-x64` */
export function llamaRuntime(machine = `${process.platform}-${process.arch}`): NamedModel | null {
  const build = builds[machine];
  if (!build) return null;
  const [digest, bytes, sha256] = build;
  return {
    name: llamaName,
    about: `llama.cpp as a module of Node (${machine}): runs GGUF models here, --model local:NAME`,
    source: `npm:@fugood/node-llama-${machine}@${version}`,
    integrity: { algorithm: "sha512", digest },
    licence: "MIT",
    files: [{ from: `package/${llamaFile}`, name: llamaFile, bytes, sha256 }],
  };
}
