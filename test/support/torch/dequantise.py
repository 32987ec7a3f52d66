"""Writes a GGUF file with all weights as 32-bit numbers: python dequantise.py FILE OUT. Everything else stays as it is."""

import os
import sys

import gguf

source, out = sys.argv[1:]
reader = gguf.GGUFReader(source)
architecture = reader.fields["general.architecture"].contents()
writer = gguf.GGUFWriter(f"{out}.begun", architecture)
for name, value in reader.fields.items():
    if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
        continue
    inner = value.types[-1] if len(value.types) > 1 else None
    writer.add_key_value(name, value.contents(), value.types[0], inner)
for tensor in reader.tensors:
    writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
os.replace(f"{out}.begun", out)
