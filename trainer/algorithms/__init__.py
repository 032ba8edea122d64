"""The rewards, advantages and token weights of the published methods: one method a file, pure functions on tensors.

All take detached copies of what they are given and return float32 on the device of the input. Advantages and weights
of tokens are (B, T) and zero on padding; the rest is (B,).

Each docstring says where a formula comes from: `Source` is the authors' own paper or code; `Secondary` is reviews and
articles about a paper; `Ours` is what the sources leave open and this project decided.
"""
