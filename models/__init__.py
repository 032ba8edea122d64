"""The embedded teacher: a tiny hybrid reasoner, its problems, and the package that makes both."""
