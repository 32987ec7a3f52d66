"""A real llama-server in a Python process, from the wheel `xllamacpp`.

The only argument is a JSON object: model (a GGUF file), name, context (tokens of a slot), slots, threads, port (0 for any
that is free), loras ([{path, scale}]), and optionally projector (the GGUF file of the vision part) and apiKey. Prints the
address it listens on. It ends with its standard input, so that it does not outlive the process that started it.
"""

import json
import os
import sys

import xllamacpp

given = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path = given["model"]
params.model_alias = {given["name"]}
params.hostnames = ["127.0.0.1"]
params.port = given["port"]
params.n_ctx = given["context"] * given["slots"]
params.n_parallel = given["slots"]
params.cpuparams.n_threads = given["threads"]
params.cpuparams_batch.n_threads = given["threads"]
params.warmup = False
if "projector" in given:
    params.mmproj.path = given["projector"]
if "apiKey" in given:
    params.api_keys = [given["apiKey"]]
if given["loras"]:
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(**lora) for lora in given["loras"]]

server = xllamacpp.Server(params)
print("listening on", server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
