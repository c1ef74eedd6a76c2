"""The pure core: texts and measures of one call go in, alerts and suggestions come out.

Nothing here reads a clock, a file or a random number; time is the audio time of the inputs.
"""
