"""What people do with rules beside running them: replay, evaluate, compare, count."""
