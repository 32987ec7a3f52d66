"""Runs the worker, and does to it what a test asks: python observed_worker.py WORKER.

OPERATIONS=<file>: a line for each operation, with how many pictures its prompt has.
KILL_AT=<operation>:<n>: before its n-th time, the process that started the worker is killed with -9, and so is the worker.
DRAW_ALONE=1: each context is drawn for by itself. Draws of one batch round by its shape, which depends on what came
meanwhile; alone they are the same each time.
Besides the worker's own operations there are `draw`, a sample of several answers, and `replace`, between the writing of
a step's weights and their place in the run.
"""

import importlib.util
import os
import signal
import sys
from collections import Counter

spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
sys.modules["worker"] = worker
spec.loader.exec_module(worker)

wanted, _, count = os.environ.get("KILL_AT", "").partition(":")
seen = Counter()


def at(name):
    seen[name] += 1
    if name == wanted and seen[name] == int(count):
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def handle(self, request, plain=worker.Worker.handle):
    operation = request["op"]
    parts = [part for message in request.get("messages", []) for part in message["parts"]]
    if log := os.environ.get("OPERATIONS"):
        with open(log, "a", encoding="utf-8") as file:
            print(operation, sum(part["type"] == "image" for part in parts), file=file)
    at("draw" if operation == "sample" and request.get("n", 1) > 1 else operation)
    return plain(self, request)


def replace(source, target, plain=os.replace):
    if target.endswith(".weights"):
        at("replace")
    plain(source, target)


def draw_alone(self, names, seeds, *others, plain=worker.Network.sample):
    return [plain(self, [name], [seed], *others)[0] for name, seed in zip(names, seeds)]


worker.Worker.handle = handle
if os.environ.get("DRAW_ALONE"):
    worker.Network.sample = draw_alone
os.replace = replace
worker.main()
