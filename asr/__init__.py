"""Streaming recognition: audio frames in, revisable transcripts out, one batched model for all calls."""
