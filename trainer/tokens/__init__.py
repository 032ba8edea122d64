"""Which tokens of a conversation are trained, forced or in which segment."""
