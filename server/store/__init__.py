"""What is kept of calls: an outbox on this machine, and an archive that can be asked."""
