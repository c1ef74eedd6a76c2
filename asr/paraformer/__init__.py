"""Streaming Paraformer for many callers at once: one batched step over every ready stream.

Nothing here knows a clock, a socket or a call; :mod:`asr.party` does utterances and
:mod:`asr.engine` runs it live.
"""
