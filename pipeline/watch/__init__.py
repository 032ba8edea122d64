"""How a run is watched: progress, events, figures, spans, notices, the outcome."""
