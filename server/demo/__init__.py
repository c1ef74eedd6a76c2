"""The demonstration: a recorded call through the real service, judged against its labels."""
