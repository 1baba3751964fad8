from alembic import context

context.configure(dialect_name="postgresql", literal_binds=True, output_buffer=context.config.output_buffer)
with context.begin_transaction():
    context.run_migrations()
