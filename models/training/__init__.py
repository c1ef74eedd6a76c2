"""How the bundled recogniser is made: text, speech, features, training, language model, export.

Run all of it with `python -m models.training all`. Nothing here is needed to use the recogniser.
"""
