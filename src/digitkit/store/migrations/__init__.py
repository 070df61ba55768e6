"""What turns the tables of one version into those of the next, for Alembic."""
