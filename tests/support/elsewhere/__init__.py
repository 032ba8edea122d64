"""Small files of rollouts, each written by the tool whose file it is: what they are given, and how each writes it."""
