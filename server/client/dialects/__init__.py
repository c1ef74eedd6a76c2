"""What telephone systems send for a call, each in its own dialect: for replays and tests."""
