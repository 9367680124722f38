"""The path of the tables from their first shape to the newest (Alembic)."""
