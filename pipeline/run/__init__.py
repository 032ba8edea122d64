"""How a run goes: the driver, its attempts, its budget probe."""
