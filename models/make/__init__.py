"""Makes the embedded teacher from nothing: problems, tokenizer, weights and measured figures."""
