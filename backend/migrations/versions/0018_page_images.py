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
    # As for documents: rows also go by a cascade, and their objects are noted.
    for event, when in (('deleted', 'DELETE'), ('moved', 'UPDATE OF stored_key')):
        op.execute(
            f"CREATE TRIGGER discard_object_of_{event} AFTER {when} ON page_images FOR EACH ROW"
            " WHEN (OLD.stored_key IS NOT NULL) EXECUTE FUNCTION discard_object()"
        )


def downgrade() -> None:
    """Undo the change. Objects of images in a bucket are noted as discarded by the trigger."""
    op.execute('DELETE FROM page_images')
    op.drop_table('image_pieces')
    op.drop_table('page_images')
    op.drop_column('pages', 'word_boxes')
