"""The schema's history: numbered revisions of plain SQL, each safe with the version still running."""
