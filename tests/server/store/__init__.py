"""What is kept of calls: outbox, archive, taking calls up again."""
