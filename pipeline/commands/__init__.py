"""The commands of the command line, one subject a file; each adds its own with `register`."""
