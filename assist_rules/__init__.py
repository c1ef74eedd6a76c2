"""Rules over revisable transcripts: cues and forbidden phrases in, alerts and suggestions out."""
