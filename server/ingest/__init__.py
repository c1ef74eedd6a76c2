"""Audio coming in: one file for each wire dialect, all ending in the same AudioFrame."""
