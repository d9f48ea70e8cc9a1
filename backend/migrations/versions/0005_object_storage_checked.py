"""Check where the bytes of each file are, and find the misplaced ones.

Revision: 0005
"""

from alembic import op
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    # Others read and write the table during the check, and read it while the index is built.
    op.execute('ALTER TABLE documents VALIDATE CONSTRAINT ck_documents_key_in_bucket')
    # An earlier form of 0003 made the index itself.
    op.create_index(
        op.f('ix_documents_stored_in'), 'documents', ['stored_in'], unique=False, if_not_exists=True
    )


def downgrade() -> None:
    """Undo the change."""
    op.drop_index(op.f('ix_documents_stored_in'), table_name='documents')
