"""JSON for programs: one noun a file, each exporting ``routes``. See ``auth`` for who may, ``openapi`` for parameters."""
