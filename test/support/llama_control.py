"""Greedy tokens of llama.cpp with a control vector, by its C interface in the wheel `xllamacpp`.

The only argument is a JSON object: model (a GGUF file), vector (a GGUF file with one `direction.N`, or null), blocks,
width, prompts (texts with the chat template's marks), count, end (the id that ends an answer). Prints one JSON list of ids
for each prompt. llama.cpp reads both files itself.
"""

import ctypes
import json
import os
import sys

import xllamacpp

given = json.loads(sys.argv[1])
path = os.path.join(os.path.dirname(xllamacpp.__file__), "xllamacpp.abi3.so")
llama = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)


class Opaque(ctypes.Structure):
    """A large struct that is only passed on: by value on the stack, where the rest of this one does no harm."""

    _fields_ = [("bytes", ctypes.c_uint8 * 1024)]


class GgufParams(ctypes.Structure):
    """`gguf_init_params`, small enough to be passed in registers."""

    _fields_ = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p)]


def function(name, result, *arguments):
    found = getattr(llama, name)
    found.restype, found.argtypes = result, arguments
    return found


pointer, text, int32, int64, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_size_t

silent = ctypes.CFUNCTYPE(None, int32, text, pointer)(lambda *_: None)
function("llama_log_set", None, pointer, pointer)(ctypes.cast(silent, pointer), None)
function("ggml_backend_load_all", None)()
model = function("llama_model_load_from_file", pointer, text, Opaque)(
    given["model"].encode(), function("llama_model_default_params", Opaque)()
)
settings = function("llama_context_default_params", Opaque)()
ctypes.cast(ctypes.pointer(settings), ctypes.POINTER(ctypes.c_uint32))[0] = 1024  # the context's tokens come first
context = function("llama_init_from_model", pointer, pointer, Opaque)(model, settings)
function("llama_set_n_threads", None, pointer, int32, int32)(context, 1, 1)
words = function("llama_model_get_vocab", pointer, pointer)(model)
vocabulary = function("llama_vocab_n_tokens", int32, pointer)(words)


def steer(file, blocks, width):
    """Adds the direction of a file, which llama.cpp wants as the directions of blocks 1 and up, one behind the other."""
    gguf = function("gguf_init_from_file", pointer, text, GgufParams)(file.encode(), GgufParams(True, None))
    name = function("gguf_get_tensor_name", text, pointer, int64)(gguf, 0).decode()
    start = function("gguf_get_data_offset", size, pointer)(gguf)
    start += function("gguf_get_tensor_offset", size, pointer, int64)(gguf, 0)
    block = int(name.removeprefix("direction."))
    directions = (ctypes.c_float * ((blocks - 1) * width))()
    with open(file, "rb") as bytes_of:
        bytes_of.seek(start)
        at = ctypes.addressof(directions) + 4 * (block - 1) * width
        ctypes.memmove(at, bytes_of.read(4 * width), 4 * width)
    apply = function("llama_set_adapter_cvec", int32, pointer, pointer, size, int32, int32, int32)
    assert apply(context, directions, len(directions), width, 1, blocks) == 0


def greedy(prompt):
    clear = function("llama_memory_clear", None, pointer, ctypes.c_bool)
    clear(function("llama_get_memory", pointer, pointer)(context), True)
    tokenize = function(
        "llama_tokenize", int32, pointer, text, int32, pointer, int32, ctypes.c_bool, ctypes.c_bool
    )
    tokens = (int32 * 512)()
    written = prompt.encode()
    count = tokenize(words, written, len(written), tokens, 512, False, True)
    assert count > 0
    batch_of = function("llama_batch_get_one", Opaque, pointer, int32)
    decode = function("llama_decode", int32, pointer, Opaque)
    logits_of = function("llama_get_logits_ith", ctypes.POINTER(ctypes.c_float), pointer, int32)
    made = []
    while len(made) < given["count"]:
        assert decode(context, batch_of(tokens, count)) == 0
        logits = logits_of(context, -1)
        made.append(max(range(vocabulary), key=logits.__getitem__))
        if made[-1] == given["end"]:
            break
        tokens[0], count = made[-1], 1
    return made


if given["vector"]:
    steer(given["vector"], given["blocks"], given["width"])
for prompt in given["prompts"]:
    print(json.dumps(greedy(prompt)), flush=True)
os._exit(0)
