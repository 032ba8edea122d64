"""Problems to rollouts."""
