"""What this machine, and what a recipe names, has of what a run needs: found out by trying it, within seconds."""
