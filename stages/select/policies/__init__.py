"""Which responses are kept: one method a file, each a function from graded rollouts to decisions and picks."""
