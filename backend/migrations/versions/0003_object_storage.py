"""Know where the bytes of each file are.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# A trigger, because rows also go by a cascade, of which the code of the library hears nothing. Where a file was
# moved or has expired, its object stays for an hour, for those who are reading it.
_FUNCTION = """
CREATE FUNCTION discard_object() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO discarded_objects (key, place, claimed, due_at)
        VALUES (OLD.stored_key, OLD.stored_in, false, now()) ON CONFLICT DO NOTHING;
    ELSIF NEW.stored_key IS DISTINCT FROM OLD.stored_key THEN
        INSERT INTO discarded_objects (key, place, claimed, due_at)
        VALUES (OLD.stored_key, OLD.stored_in, false, now() + interval '1 hour') ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""
_TRIGGERS = (
    "CREATE TRIGGER discard_object_of_deleted AFTER DELETE ON documents FOR EACH ROW"
    " WHEN (OLD.stored_key IS NOT NULL) EXECUTE FUNCTION discard_object()",
    "CREATE TRIGGER discard_object_of_moved AFTER UPDATE OF stored_key ON documents FOR EACH ROW"
    " WHEN (OLD.stored_key IS NOT NULL) EXECUTE FUNCTION discard_object()",
)


def upgrade() -> None:
    """Apply the change."""
    # A server default, because the previous release still inserts rows meanwhile.
    op.add_column('documents', sa.Column('stored_in', sa.Text(), server_default='postgres', nullable=True))
    op.add_column('documents', sa.Column('stored_key', sa.Uuid(), nullable=True))
    op.add_column('documents', sa.Column('moving_until', sa.DateTime(timezone=True), nullable=True))
    # Rows that are there are checked, and the index is built, by 0005: here nobody else can read the table meanwhile.
    op.create_check_constraint(
        op.f('ck_documents_key_in_bucket'),
        'documents',
        "((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)",
        postgresql_not_valid=True,
    )
    op.create_table('discarded_objects',
    sa.Column('key', sa.Uuid(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('claimed', sa.Boolean(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_discarded_objects'))
    )
    op.create_index(op.f('ix_discarded_objects_due_at'), 'discarded_objects', ['due_at'], unique=False)
    op.execute(_FUNCTION)
    for trigger in _TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Undo the change. Refused while a file is in a bucket: its place would be forgotten."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM documents WHERE stored_key IS NOT NULL) THEN RAISE EXCEPTION"
        " 'Files are in a bucket: move them with DOCUMENT_STORAGE=postgres first.'; END IF; END $$"
    )
    op.execute('DROP TRIGGER discard_object_of_moved ON documents')
    op.execute('DROP TRIGGER discard_object_of_deleted ON documents')
    op.execute('DROP FUNCTION discard_object()')
    op.drop_index(op.f('ix_discarded_objects_due_at'), table_name='discarded_objects')
    op.drop_table('discarded_objects')
    op.drop_constraint(op.f('ck_documents_key_in_bucket'), 'documents', type_='check')
    op.drop_column('documents', 'moving_until')
    op.drop_column('documents', 'stored_key')
    op.drop_column('documents', 'stored_in')
