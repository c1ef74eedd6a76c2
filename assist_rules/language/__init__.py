"""The YAML language of rules: phrases, fields, parsing, lint."""
