"""Runs the worker as on a device with little memory: python small_memory.py WORKER FORWARD BACKWARD.

A pass over more tokens than FORWARD fails as torch's allocator does; so does the gradient of one over more than BACKWARD,
when that of the upper blocks has been computed.
"""

import importlib.util
import sys
from typing import Any

import torch

spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
sys.modules["worker"] = worker
spec.loader.exec_module(worker)
FORWARD, BACKWARD = int(sys.argv[2]), int(sys.argv[3])
whole = worker.Network._run


def fail(tokens: int) -> None:
    raise torch.OutOfMemoryError(f"Tried to allocate room for {tokens} tokens")


def small(self: Any, rows: list[Any], streams: list[torch.Tensor], *args: Any, **options: Any) -> Any:
    tokens = len(rows) * max(len(stream) for stream in streams)
    if tokens > FORWARD:
        fail(tokens)

    def watch(_block: Any, _args: Any, output: Any) -> None:
        stream = output[0] if isinstance(output, tuple) else output
        if tokens > BACKWARD and stream.requires_grad:
            stream.register_hook(lambda _gradient: fail(tokens))

    hook = self.blocks[2].register_forward_hook(watch)
    try:
        return whole(self, rows, streams, *args, **options)
    finally:
        hook.remove()


worker.Network._run = small
worker.main()
