#!/usr/bin/env python3
"""A sentence encoder in a folder as an OpenAI embeddings endpoint, for measurements: mean of the last hidden states.

    python perf/embeddings-server.py FOLDER [PORT]

Needs torch and transformers. POST /v1/embeddings {"input": [text, ...]}.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

import torch
from transformers import AutoModel, AutoTokenizer

folder, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8090
torch.set_num_threads(1)
alone = Lock()  # connections stay open, each with a thread; the encoder runs for one at a time
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


@torch.no_grad()
def vectors(texts: list[str]) -> list[list[float]]:
    batch = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    with alone:
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).tolist()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors(texts))]
        body = json.dumps({"object": "list", "model": asked.get("model"), "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
