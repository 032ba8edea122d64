"""Where programs run without reaching anything outside."""
