"""Keep images of pages, and where the words of pages are shown.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column('pages', sa.Column('word_boxes', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.create_table('page_images',
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.Column('page', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('stored_in', sa.Text(), nullable=True),
    sa.Column('stored_key', sa.Uuid(), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name=op.f('ck_page_images_key_in_bucket')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_page_images_document_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_page_images')),
    sa.UniqueConstraint('document_id', 'page', 'width', name=op.f('uq_page_images_document_id_page_width'))
    )
    op.create_index(op.f('ix_page_images_used_at'), 'page_images', ['used_at'], unique=False)
    op.create_table('image_pieces',
    sa.Column('image_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['page_images.id'], name=op.f('fk_image_pieces_image_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('image_id', 'number', name=op.f('pk_image_pieces'))
    )
    op.create_table('conversions',
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('printed_pages', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('stored_in', sa.Text(), nullable=True),
    sa.Column('stored_key', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('worker', sa.Text(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_conversions_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_conversions_lease_while_running')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_conversions_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversions')),
    sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name=op.f('ck_conversions_key_in_bucket')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_conversions_document_id'), ondelete='CASCADE'),
    sa.UniqueConstraint('document_id', name=op.f('uq_conversions_document_id'))
    )
    op.create_index(op.f('ix_conversions_available_at'), 'conversions', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_conversions_ended_at'), 'conversions', ['ended_at'], unique=False)
    op.create_table('converted_pieces',
    sa.Column('conversion_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['conversion_id'], ['conversions.id'], name=op.f('fk_converted_pieces_conversion_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('conversion_id', 'number', name=op.f('pk_converted_pieces'))
    )
    # As for documents: rows also go by a cascade, and their objects are noted.
    for table in ('page_images', 'conversions'):
        for event, when in (('deleted', 'DELETE'), ('moved', 'UPDATE OF stored_key')):
            op.execute(
                f"CREATE TRIGGER discard_object_of_{event} AFTER {when} ON {table} FOR EACH ROW"
                " WHEN (OLD.stored_key IS NOT NULL) EXECUTE FUNCTION discard_object()"
            )


def downgrade() -> None:
    """Undo the change. Objects of images in a bucket are noted as discarded by the trigger."""
    op.execute('DELETE FROM page_images')
    op.execute('DELETE FROM conversions')
    op.drop_table('converted_pieces')
    op.drop_table('conversions')
    op.drop_table('image_pieces')
    op.drop_table('page_images')
    op.drop_column('pages', 'word_boxes')
