"""What lies in a run directory, on a disk or in storage: paths, files, locks, manifests, the journal, the ledger."""
