"""Numbered, append-only changes to the schema; ``apply`` runs the ones a database lacks, after a verified copy."""
