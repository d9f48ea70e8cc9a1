"""Add sessions, one-time codes, API keys, activity and profile fields.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('activities',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_activities_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_activities'))
    )
    op.create_index('ix_activities_user_id_id', 'activities', ['user_id', 'id'], unique=False)
    op.create_table('api_keys',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('prefix', sa.Text(), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0", name=op.f('ck_api_keys_scopes_known')),
    sa.CheckConstraint('char_length(name) BETWEEN 1 AND 100', name=op.f('ck_api_keys_name_length')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_keys_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_keys_key_hash'))
    )
    op.create_index('ix_api_keys_user_id_id', 'api_keys', ['user_id', 'id'], unique=False)
    op.create_table('sessions',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=True),
    sa.Column('current_token', sa.Uuid(), nullable=False),
    sa.Column('previous_token', sa.Uuid(), nullable=True),
    sa.Column('replayed', sa.Boolean(), nullable=False),
    sa.Column('rotated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('authenticated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('latest_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sessions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sessions'))
    )
    op.create_index(op.f('ix_sessions_expires_at'), 'sessions', ['expires_at'], unique=False)
    op.create_index('ix_sessions_user_id_id', 'sessions', ['user_id', 'id'], unique=False)
    op.create_table('sign_in_codes',
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('browser_hash', sa.LargeBinary(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('is_fresh', sa.Boolean(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sign_in_codes_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_sign_in_codes'))
    )
    op.create_index(op.f('ix_sign_in_codes_expires_at'), 'sign_in_codes', ['expires_at'], unique=False)
    op.create_index(op.f('ix_sign_in_codes_user_id'), 'sign_in_codes', ['user_id'], unique=False)
    op.add_column('identities', sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('email_verified', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('users', sa.Column('name', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('picture_url', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('language', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('time_zone', sa.Text(), server_default='Europe/Zurich', nullable=False))
    op.add_column('users', sa.Column('exam_defaults', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.add_column('users', sa.Column('role', sa.Text(), server_default='student', nullable=False))
    op.add_column('users', sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('erasing_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.create_index('uq_users_verified_email', 'users', [sa.literal_column('lower(email)')], unique=True, postgresql_where=sa.text('email_verified'))
    op.create_check_constraint('role_known', 'users', "role IN ('student', 'admin')")
    op.create_check_constraint('language_known', 'users', "language IN ('en', 'de', 'fr', 'it')")
    op.create_check_constraint('verified_has_email', 'users', 'email_verified IS FALSE OR email IS NOT NULL')
    op.create_check_constraint('leaves_no_name', 'users', 'erasing_at IS NULL OR (email IS NULL AND name IS NULL AND picture_url IS NULL)')


def downgrade() -> None:
    """Take the change back."""
    for name in ('leaves_no_name', 'verified_has_email', 'language_known', 'role_known'):
        op.drop_constraint(op.f(f'ck_users_{name}'), 'users', type_='check')
    op.drop_index('uq_users_verified_email', table_name='users', postgresql_where=sa.text('email_verified'))
    op.drop_column('users', 'updated_at')
    op.drop_column('users', 'erasing_at')
    op.drop_column('users', 'disabled_at')
    op.drop_column('users', 'role')
    op.drop_column('users', 'exam_defaults')
    op.drop_column('users', 'time_zone')
    op.drop_column('users', 'language')
    op.drop_column('users', 'picture_url')
    op.drop_column('users', 'name')
    op.drop_column('users', 'email_verified')
    op.drop_column('identities', 'last_used_at')
    op.drop_index(op.f('ix_sign_in_codes_user_id'), table_name='sign_in_codes')
    op.drop_index(op.f('ix_sign_in_codes_expires_at'), table_name='sign_in_codes')
    op.drop_table('sign_in_codes')
    op.drop_index('ix_sessions_user_id_id', table_name='sessions')
    op.drop_index(op.f('ix_sessions_expires_at'), table_name='sessions')
    op.drop_table('sessions')
    op.drop_index('ix_api_keys_user_id_id', table_name='api_keys')
    op.drop_table('api_keys')
    op.drop_index('ix_activities_user_id_id', table_name='activities')
    op.drop_table('activities')
