"""Run by alembic with the connection that `study.database` hands in."""

from alembic import context

from study.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
