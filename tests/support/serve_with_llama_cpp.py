"""Serves a GGUF file with llama.cpp: `serve_with_llama_cpp.py FILE PORT`, with `xllamacpp` on the path."""

import signal
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_ctx, params.n_parallel, params.use_jinja = 4096, 4, True
# Where other processes want the cores as well, further threads spend their time waiting for each other.
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
signal.pause()
